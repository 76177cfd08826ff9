import type { NextConfig } from "next"

const config: NextConfig = {
  poweredByHeader: false,
  // Titles stand in the first bytes of every page, for everyone: streamed in later, a screen reader that
  // is already reading has none.
  htmlLimitedBots: /.*/,
  // Our answers are small or streams; a proxy in front compresses better and event streams must not be.
  compress: true,
  generateEtags: false,
  // Next would print the arguments of server actions in development, a sign-up password among them.
  logging: { serverFunctions: false },
  productionBrowserSourceMaps: false,
  images: { unoptimized: true },
  // `npm run typecheck` checks the whole project, tests and scripts included.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: [
    "@node-rs/argon2",
    "pg",
    "pg-boss",
    "pino",
    "unpdf",
    "@prisma/client",
    "@prisma/adapter-pg",
  ],
  experimental: { serverActions: { bodySizeLimit: "4mb" } },
  headers: async () => [
    {
      source: "/embed.js",
      headers: [
        { key: "cache-control", value: "public, max-age=300, stale-while-revalidate=86400" },
      ],
    },
    {
      source: "/widget/:path*",
      headers: [{ key: "cache-control", value: "public, max-age=31536000, immutable" }],
    },
  ],
}

export default config
