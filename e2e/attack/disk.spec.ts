import { spawnSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ask, call, openSession, openShop, returnsQuestion, wideLimits } from "../counter.ts"
import { startDeployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"

// A database on a disk of its own, small enough to fill. It takes the right to mount one.

const diskMb = 400

function mountDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-disk-"))
  const options = `size=${diskMb}m,mode=711`
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder])
  if (status === 0) return folder
  rmSync(folder, { recursive: true })
  return null
}

/** Writes until nothing fits any more; the file's path. */
function fillDisk(folder: string): string {
  const path = join(folder, "filler")
  const file = openSync(path, "w")
  const zeros = [Buffer.alloc(1024 * 1024), Buffer.alloc(4096)]
  for (const block of zeros) {
    try {
      while (writeSync(file, block) === block.length);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC")
    }
  }
  closeSync(file)
  return path
}

test("C06 with the database's disk full writes are refused whole, reading goes on, and room brings everything back", async () => {
  test.setTimeout(180_000)
  const folder = mountDisk()
  test.skip(
    folder === null,
    "a small disk cannot be mounted here: that takes root and CAP_SYS_ADMIN",
  )
  const deployment = await startDeployment({ folder: folder!, isDurable: true })
  try {
    const shop = await openShop(deployment, { limits: wideLimits })
    const session = await openSession(deployment, shop)
    await ask(deployment, session.token, returnsQuestion)
    const authorization = `Bearer ${session.token}`
    const read = () =>
      call<{ messages: unknown[] }>(deployment, "/api/embed/conversation", {
        headers: { authorization },
      })
    const readSources = async () =>
      (await shop.api<{ data: unknown[] }>(`/v1/bots/${shop.botId}/sources`)).body.data.length
    const upload = () => {
      const form = new FormData()
      const text = "A line of a document that fits nowhere.\n".repeat(100_000)
      form.set("file", new File([text], "large.txt", { type: "text/plain" }))
      return shop.api(`/v1/bots/${shop.botId}/sources`, { method: "POST", body: form })
    }
    const before = [await readSources(), (await read()).body.messages.length]

    const filler = fillDisk(folder!)
    for (let i = 0; i < 3; i++) {
      const { status, text } = await upload()
      expect([503, 507], text).toContain(status)
      expect(text).not.toMatch(/space|extend|ENOSPC|53100|pgdata/i)
    }
    // The server may have had to start again, for want of room for its log: then reading waits for that.
    await expect.poll(async () => (await read()).status, { timeout: 15_000 }).toBe(200)
    expect([await readSources(), (await read()).body.messages.length]).toEqual(before)

    rmSync(filler)
    await expect
      .poll(async () => (await call(deployment, "/ready")).status, { timeout: 15_000 })
      .toBe(200)
    const stored = await upload()
    expect(stored.status, stored.text).toBe(202)
    expect((await ask(deployment, session.token, returnsQuestion)).types).toContain("finish")
    expect([await readSources(), (await read()).body.messages.length]).toEqual([
      before[0]! + 1,
      before[1]! + 2,
    ])
  } finally {
    await deployment.stop()
    spawnSync("umount", ["-l", folder!])
    rmSync(folder!, { recursive: true, force: true })
  }
})
