import { spawn } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { parseArgs } from "node:util"

// Breaks one guard at a time in a copy of the project and expects the tests that watch it to go red. A guard
// that nobody watches is as good as gone after the next change.

export type Mutation = {
  name: string
  file: string
  /** Stands exactly once in the file. */
  from: string
  to: string
  /** The test files that must notice. */
  tests: string[]
}

const migrations = {
  init: "prisma/migrations/20261120000000_init/migration.sql",
  search: "prisma/migrations/20261120171000_search_scale/migration.sql",
  vectors: "prisma/migrations/20261120180000_vectors/migration.sql",
  held: "prisma/migrations/20261120190000_held_readings/migration.sql",
  hotPath: "prisma/migrations/20261120120000_hot_path/migration.sql",
  goneProcesses: "prisma/migrations/20261120170000_gone_processes/migration.sql",
  team: "prisma/migrations/20261120182000_team/migration.sql",
}
const watchers = {
  catalog: "lib/tenancy/catalog.test.ts",
  code: "lib/tenancy/wall-code.test.ts",
  database: "lib/tenancy/wall-database.test.ts",
  permissions: "lib/tenancy/permissions.test.ts",
  tokens: "lib/tokens/tokens.test.ts",
  origin: "lib/keys/origin.test.ts",
  tickets: "lib/admission/tickets.test.ts",
  sessions: "lib/admission/sessions.test.ts",
  openStreams: "lib/admission/open-streams.test.ts",
  botCheck: "lib/admission/bot-check.test.ts",
  challenge: "lib/bot-check/challenge.test.ts",
  turnstile: "lib/bot-check/turnstile.test.ts",
  incidents: "lib/incidents/incidents.test.ts",
  chatStream: "lib/http/chat-stream.test.ts",
  rates: "lib/limits/rates.test.ts",
  counters: "lib/limits/counters.test.ts",
  clientIp: "lib/limits/client-ip.test.ts",
  copiedKey: "lib/admission/copied-key.test.ts",
  tenantModel: "lib/models/tenant-model.test.ts",
  chatModel: "lib/models/chat-model.test.ts",
  spend: "lib/limits/spend.test.ts",
  turn: "lib/conversations/turn.test.ts",
  citations: "lib/chat/citations.test.ts",
  prompt: "lib/chat/prompt.test.ts",
  auth: "lib/auth/auth.test.ts",
  recentPassword: "lib/http/recent-password.test.ts",
  team: "lib/auth/team.test.ts",
  streams: "lib/limits/streams.test.ts",
  breaker: "lib/models/breaker.test.ts",
  route: "lib/http/route.test.ts",
  address: "lib/outbound/address.test.ts",
  outbound: "lib/outbound/outbound.test.ts",
  encryption: "lib/tenancy/encryption.test.ts",
  toolRequest: "lib/tools/request.test.ts",
  toolCommands: "lib/tools/commands.test.ts",
  tools: "lib/chat/tools.test.ts",
  mcp: "lib/tools/servers.test.ts",
  bounds: "runtime/bounds.test.ts",
  vectors: "lib/knowledge/vectors.test.ts",
  stream: "lib/http/chat-stream.test.ts",
  choices: "lib/knowledge/choices.test.ts",
  actionBody: "runtime/action-body.test.ts",
  held: "lib/quality/held.test.ts",
}

export const mutations: Mutation[] = [
  {
    name: "what is read goes live before the golden questions are asked",
    file: "lib/knowledge/settle.ts",
    from: "return bot?.isPublished === true && (await",
    to: "return bot === null && (await",
    tests: [watchers.held],
  },
  {
    name: "what makes golden questions worse goes live by itself",
    file: "lib/quality/held.ts",
    from: "if (worse.length > 0) throw new Worse({ sources, run, worse })",
    to: "",
    tests: [watchers.held],
  },
  {
    name: "a visitor reads what is held",
    file: migrations.held,
    from: "using ((select sec.current_visitor()) is null);",
    to: "using (true);",
    tests: [watchers.database],
  },
  {
    name: "a run that judged something else is a yes",
    file: "lib/quality/gate.ts",
    from: "if (newest.reason !== reason) return false",
    to: "",
    tests: [watchers.held],
  },
  {
    name: "a visitor reads vectors of every bot",
    file: migrations.vectors,
    from: "using ((select sec.current_bot()) is null or bot_id = (select sec.current_bot()));",
    to: "using (true);",
    tests: [watchers.database],
  },
  {
    name: "an embedding model without a price is used",
    file: "lib/models/embedding-model.ts",
    from: "const price = parseTokenPrice(env.EMBEDDING_PRICE)",
    to: 'const price = parseTokenPrice(env.EMBEDDING_PRICE ?? "0")',
    tests: [watchers.vectors],
  },
  {
    name: "the chat model's key goes to another address",
    file: "lib/models/embedding-model.ts",
    from: "const apiKey = own ? env.EMBEDDING_API_KEY : env.MODEL_API_KEY",
    to: "const apiKey = env.EMBEDDING_API_KEY ?? env.MODEL_API_KEY",
    tests: [watchers.vectors],
  },
  {
    name: "a tenant policy is dropped",
    file: migrations.init,
    from: "revoke update, delete on audit_events, usage_entries from app;",
    to: "revoke update, delete on audit_events, usage_entries from app;\ndrop policy tenant on leads;",
    tests: [watchers.catalog],
  },
  {
    name: "a tenant policy lets every row through",
    file: migrations.init,
    from: "revoke update, delete on audit_events, usage_entries from app;",
    to: `revoke update, delete on audit_events, usage_entries from app;
      create policy wide on leads to app using (true);`,
    tests: [watchers.database],
  },
  {
    name: "FORCE is dropped",
    file: migrations.init,
    from: "execute format('alter table %I force row level security', t);",
    to: "perform 1;",
    tests: [watchers.catalog],
  },
  {
    name: "a composite key loses the tenant",
    file: migrations.init,
    from: "foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade\n);\ncreate index leads_recent",
    to: "foreign key (conversation_id) references conversations (id) on delete cascade\n);\ncreate index leads_recent",
    tests: [watchers.database],
  },
  {
    name: "the tenant setting counts without its MAC",
    file: migrations.init,
    from: "if mac = encode(",
    to: "if true or mac = encode(",
    tests: [watchers.database],
  },
  {
    name: "the tenant setting outlives its transaction",
    file: "lib/tenancy/database.ts",
    from: "scope.tenantId}, true),",
    to: "scope.tenantId}, false),",
    tests: [watchers.database],
  },
  {
    name: "the Prisma extension adds no tenant",
    file: "lib/tenancy/database.ts",
    from: "return query(scopeOperation(model, operation, args as Args, tenantId) as typeof args)",
    to: "return query(args)",
    tests: [watchers.code],
  },
  {
    name: "the Prisma extension forgets what is created",
    file: "lib/tenancy/database.ts",
    from: ": { ...args.data, ...own }\n  } else",
    to: ": args.data\n  } else",
    tests: [watchers.code],
  },
  {
    name: "a visitor sees other visitors' rows",
    file: migrations.init,
    from: "using ((select sec.current_visitor()) is null or visitor_id = (select sec.current_visitor()))",
    to: "using (true)",
    tests: [watchers.database],
  },
  {
    name: "a visitor searches other bots",
    file: migrations.search,
    from: "this_bot text := coalesce(sec.current_bot(), p_bot_id);",
    to: "this_bot text := p_bot_id;",
    tests: [watchers.database],
  },
  {
    name: "any right is held",
    file: "lib/tenancy/permissions.ts",
    from: 'if (!scope.permissions.has(permission)) throw fail("forbidden")',
    to: "",
    tests: [watchers.permissions],
  },
  {
    name: "team: roles above one's own can be given",
    file: "lib/auth/team.ts",
    from: 'if (isAbove(role, before.own)) throw fail("forbidden")',
    to: "",
    tests: [watchers.team],
  },
  {
    name: "team: people above oneself can be removed",
    file: "lib/auth/team.ts",
    from: 'if (isAbove(member.role, own)) throw fail("forbidden")',
    to: "",
    tests: [watchers.team],
  },
  {
    name: "team: the last owner can be removed",
    file: "lib/auth/team.ts",
    from: 'if (role !== "owner" || owners > 1) return',
    to: "return",
    tests: [watchers.team],
  },
  {
    name: "team: two owners act at once unlocked",
    file: "lib/auth/team.ts",
    from: "await tx.$queryRaw`select user_id from public.memberships order by user_id for update`",
    to: "",
    tests: [watchers.team],
  },
  {
    name: "a sign-in that nobody uses lives on",
    file: migrations.team,
    from: "where s.id = p_sign_in and s.expires_at > now() and s.last_seen_at > now() - interval '14 days'\n    and t.status",
    to: "where s.id = p_sign_in and s.expires_at > now()\n    and t.status",
    tests: [watchers.auth],
  },
  {
    name: "streams of living processes are ended",
    file: migrations.goneProcesses,
    from: "where s.holder is not null and s.holder <> all (alive)",
    to: "where s.holder is not null",
    tests: [watchers.streams],
  },
  {
    name: "a failing model is called for every message",
    file: "lib/models/breaker.ts",
    from: "if (now < state.closedAgainAt) return false",
    to: "",
    tests: [watchers.breaker],
  },
  {
    name: "tokens: any algorithm is taken",
    file: "lib/tokens/tokens.ts",
    from: 'algorithms: ["HS256"],',
    to: "",
    tests: [watchers.tokens],
  },
  {
    name: "tokens: aud is not checked",
    file: "lib/tokens/tokens.ts",
    from: "audience: aud,",
    to: "",
    tests: [watchers.tokens],
  },
  {
    name: "tokens: typ is not checked",
    file: "lib/tokens/tokens.ts",
    from: "        typ,\n",
    to: "",
    tests: [watchers.tokens],
  },
  {
    name: "tokens: exp is not required",
    file: "lib/tokens/tokens.ts",
    from: '"aud", "exp", "iat"',
    to: '"aud", "iat"',
    tests: [watchers.tokens],
  },
  {
    name: "tokens: age is not bounded",
    file: "lib/tokens/tokens.ts",
    from: "maxTokenAge: seconds,",
    to: "",
    tests: [watchers.tokens],
  },
  {
    name: "tokens: any spelling is taken",
    file: "lib/tokens/tokens.ts",
    from: 'if (!isCanonical(token)) throw fail("unauthorized")',
    to: "",
    tests: [watchers.tokens],
  },
  {
    name: "tokens: a life may be as long as its signer likes",
    file: "lib/tokens/tokens.ts",
    from: "if (payload.exp! - payload.iat! > seconds + 1)",
    to: "if (false)",
    tests: [watchers.tokens],
  },
  {
    name: "a challenge solved for one ticket fits another",
    file: "lib/bot-check/challenge.ts",
    from: "if (proof.challenge.parameters.data.ticket !== ticketId) return false",
    to: "",
    tests: [watchers.challenge],
  },
  {
    name: "a challenge outlives its ticket",
    file: "lib/bot-check/challenge.ts",
    from: "Math.floor(Date.now() / 1000) + ticketSeconds",
    to: "Math.floor(Date.now() / 1000) + 86_400",
    tests: [watchers.challenge],
  },
  {
    name: "a challenge counts without its signature",
    file: "lib/bot-check/challenge.ts",
    from: "if (verified) return true",
    to: "return true",
    tests: [watchers.challenge],
  },
  {
    name: "a new session needs no bot check",
    file: "lib/admission/sessions.ts",
    from: 'if (ticket.botCheck && !hasPassed) throw fail("bot_check_required")',
    to: "",
    tests: [watchers.botCheck],
  },
  {
    name: "any visitor secret is a bot check",
    file: "lib/admission/sessions.ts",
    from: '!(ticket.botCheck === "normal" && known?.isTrusted)',
    to: "!known",
    tests: [watchers.botCheck],
  },
  {
    name: "Turnstile's yes counts for every ticket",
    file: "lib/bot-check/check.ts",
    from: 'return (await verifyTurnstile(turnstileToken, ticketId)) !== "refused"',
    to: "await verifyTurnstile(turnstileToken, ticketId)\n  return true",
    tests: [watchers.turnstile],
  },
  {
    name: "a refusal tells by its time",
    file: "lib/admission/tickets.ts",
    from: "const refusalMs = 30",
    to: "const refusalMs = 0",
    tests: [watchers.tickets],
  },
  {
    name: "a live key passes for a test key",
    file: "lib/admission/tickets.ts",
    from: "return found && found.mode === parts.mode ? found : null",
    to: "return found",
    tests: [watchers.tickets],
  },
  {
    name: "a blocked address buys tickets",
    file: "lib/admission/tickets.ts",
    from: "if (key.isBlocked) {",
    to: "if (false) {",
    tests: [watchers.incidents],
  },
  {
    name: "a ticket is redeemed from any page",
    file: "lib/admission/sessions.ts",
    from: "  requireOwnOrigin(client.origin)\n",
    to: "",
    tests: [watchers.sessions],
  },
  {
    name: "a blocked visitor comes back with their secret",
    file: "lib/admission/sessions.ts",
    from: 'if (row?.blockedAt) throw fail("unauthorized")',
    to: "",
    tests: [watchers.sessions],
  },
  {
    name: "a stream that opens too late for the news is not checked",
    file: "lib/admission/open-streams.ts",
    from: "may have been thrown.\n  void checkStreams()",
    to: "may have been thrown.",
    tests: [watchers.openStreams],
  },
  {
    name: "open answers wait for a database that says nothing",
    file: "lib/admission/open-streams.ts",
    from: "await Promise.race([check(), giveUp()])",
    to: "await check()",
    tests: [watchers.chatStream],
  },
  {
    name: "tickets are sold to any origin",
    file: "lib/admission/tickets.ts",
    from: "!ownOrigins.has(origin) ? findOriginRule(key.origins, origin) : null",
    to: "!ownOrigins.has(origin) ? (key.origins[0] ?? null) : null",
    tests: [watchers.tickets],
  },
  {
    name: "tickets are sold to our own origin",
    file: "lib/admission/tickets.ts",
    from: "!ownOrigins.has(origin) ? findOriginRule",
    to: "true ? findOriginRule",
    tests: [watchers.tickets],
  },
  {
    name: "the counter does not wait for its limiter",
    file: "lib/admission/tickets.ts",
    from: 'rate = await takeRates([\n      { rate: "ticket.key"',
    to: 'rate = {} as RateState\n    void takeRates([\n      { rate: "ticket.key"',
    tests: [watchers.tickets],
  },
  {
    name: "an origin is compared as a suffix",
    file: "lib/keys/origin.ts",
    from: 'if (!pattern.includes("*")) return pattern === origin',
    to: 'if (!pattern.includes("*")) return origin.startsWith(pattern)',
    tests: [watchers.origin],
  },
  {
    name: "an empty list frames for anyone",
    file: "lib/keys/origin.ts",
    from: `rules.length === 0 ? "'none'" : `,
    to: "",
    tests: [watchers.origin],
  },
  {
    name: "a live key takes loopback",
    file: "lib/keys/origin.ts",
    from: 'if (loopback && mode === "live")',
    to: "if (false)",
    tests: [watchers.origin],
  },
  {
    name: "a ticket is spent as often as one likes",
    file: migrations.hotPath,
    from: "if not found then return false; end if;",
    to: "",
    tests: [watchers.sessions],
  },
  {
    name: "the live check is remembered by the process",
    file: "lib/admission/sessions.ts",
    from: "const [session] = await findLiveSessions([sessionId])",
    to: `const known = ((globalThis as { known?: Map<string, never> }).known ??= new Map())
  const session = known.get(sessionId) ?? (await findLiveSessions([sessionId]))[0]
  known.set(sessionId, session as never)`,
    tests: [watchers.sessions],
  },
  {
    name: "a ticket from before the switch is good again after it",
    file: "lib/admission/sessions.ts",
    from: "bot.stamp !== ticket.stamp ||",
    to: "",
    tests: [watchers.sessions],
  },
  {
    name: "a pass from before the switch is good again after it",
    file: migrations.hotPath,
    from: "where s.stamp = t.epoch || '.' || k.epoch || '.' || b.epoch",
    to: "where true",
    tests: [watchers.sessions],
  },
  {
    name: "a pass outlives its line in the list of websites",
    file: migrations.hotPath,
    from: "and (s.kind <> 'page' or exists (",
    to: "and (true or exists (",
    tests: [watchers.sessions],
  },
  {
    name: "a pass counts from any page",
    file: "lib/admission/sessions.ts",
    from: "request.origin !== env.WIDGET_URL &&\n",
    to: "request.origin === env.WIDGET_URL &&\n",
    tests: [watchers.sessions],
  },
  {
    name: "a visitor secret resumes on another website",
    file: "lib/admission/sessions.ts",
    from: "where: { botId: ticket.botId, origin: ticket.origin, secretHash: hashSecret(secret) },",
    to: "where: { botId: ticket.botId, secretHash: hashSecret(secret) },",
    tests: [watchers.sessions],
  },
  {
    name: "rates: a refused request costs",
    file: migrations.init,
    from: "if all_allowed then",
    to: "if true then",
    tests: [watchers.rates],
  },
  {
    name: "rates: no store, no limit",
    file: "lib/limits/rates.ts",
    from: "const isAllowed = used < limit",
    to: "const isAllowed = true",
    tests: [watchers.rates],
  },
  {
    name: "counters: the budget has no end",
    file: "lib/limits/counters.ts",
    from: "set used = c.used + 1 where c.used <",
    to: "set used = c.used + 1 where c.used < 1000 +",
    tests: [watchers.counters],
  },
  {
    name: "an unusual hour raises no check",
    file: "lib/bot-check/check.ts",
    from: 'const mode = key.botCheck === "off" && key.isCheckRaised ? "suspicious" : key.botCheck',
    to: "const mode = key.botCheck",
    tests: [watchers.copiedKey],
  },
  {
    name: "one address takes the whole day's money",
    file: "lib/limits/spend.ts",
    from: "return share > least ? share : least",
    to: "return keyDayCap(limits)",
    tests: [watchers.copiedKey],
  },
  {
    name: "a stored model key follows to another address",
    file: "lib/models/commands.ts",
    from: "before?.url === url && before.provider",
    to: "before?.provider === input.provider && before.provider",
    tests: [watchers.tenantModel],
  },
  {
    name: "a model's server counts tokens as it likes",
    file: "lib/models/chat-model.ts",
    from: "reported && Object.values(reported).every(isTokenCount) ? reported : null",
    to: "reported",
    tests: [watchers.chatModel],
  },
  {
    name: "a cost below nothing refills an allowance",
    file: "lib/limits/spend.ts",
    from: "const spent = most > 0n ? most : 0n",
    to: "const spent = most",
    tests: [watchers.spend],
  },
  {
    name: "a model that writes on is listened to",
    file: "lib/models/step.ts",
    from: "if (charsLeft < 0) {",
    to: "if (charsLeft < -Infinity) {",
    tests: [watchers.chatModel],
  },
  {
    name: "what one tenant sends pauses the model for all",
    file: "lib/models/breaker.ts",
    from: "if (error !== null && !isProviderAway(error)) return",
    to: "",
    tests: [watchers.breaker],
  },
  {
    name: "a tenant's model is reached past the one way out",
    file: "lib/models/queries.ts",
    from: ", fetch: fetchModel }",
    to: " }",
    tests: [watchers.tenantModel],
  },
  {
    name: "a client names its own address",
    file: "lib/limits/client-ip.ts",
    from: "hops[Math.max(0, hops.length - 1 - trustedProxies)]",
    to: "hops[0]",
    tests: [watchers.clientIp],
  },
  {
    name: "two answers a session are written at once",
    file: "lib/conversations/turn.ts",
    from: "and (streaming_until is null or streaming_until < now())",
    to: "",
    tests: [watchers.turn],
  },
  {
    name: "a retried message is stored again",
    file: "lib/conversations/turn.ts",
    from: 'where: { conversationId: conversation.id, role: "user", clientMessageId },',
    to: 'where: { conversationId: conversation.id, role: "user", clientMessageId: "?" },',
    tests: [watchers.turn],
  },
  {
    name: "a made-up citation is shown",
    file: "lib/chat/citations.ts",
    from: "cited.filter((number) => this.#known.has(number))",
    to: "cited",
    tests: [watchers.citations],
  },
  {
    name: "a citation that its passage does not bear out is shown",
    file: "lib/chat/citations.ts",
    from: "new Set(known.length > 0 ? this.#judge(claim, known) : [])",
    to: "new Set(known)",
    tests: [watchers.citations],
  },
  {
    name: "hidden text reaches the model",
    file: "lib/chat/prompt.ts",
    from: '.replace(/[\\u{E0000}-\\u{E007F}]/gu, "")',
    to: "",
    tests: [watchers.prompt],
  },
  {
    name: "an unknown address is answered at once",
    file: "lib/auth/password.ts",
    from: "const matches = await verify(passwordHash ?? (await dummyHash), password)",
    to: "const matches = passwordHash !== null && (await verify(passwordHash, password))",
    tests: [watchers.auth],
  },
  {
    name: "a password of yesterday makes secrets",
    file: "lib/http/action.ts",
    from: "if (options.needsRecentPassword) await requireRecentPassword(signInId)",
    to: "",
    tests: [watchers.recentPassword],
  },
  {
    name: "a model's key is saved with a password of yesterday",
    file: "app/console/[tenant]/actions.ts",
    from: "needsRecentPassword: true,\n  input: saveModelInput,",
    to: "input: saveModelInput,",
    tests: [watchers.recentPassword],
  },
  {
    name: "any word confirms a sign-in",
    file: "lib/auth/commands.ts",
    from: "if (!(await isPassword(password, user.passwordHash))) {",
    to: "if (false) {",
    tests: [watchers.recentPassword],
  },
  {
    name: "a cookie is consent enough",
    file: "lib/auth/members.ts",
    from: 'if (request.method !== "GET" && !isOurPage) throw fail("forbidden")',
    to: "",
    tests: [watchers.auth],
  },
  {
    name: "an API key works in a browser",
    file: "lib/auth/keys.ts",
    from: 'if (headers.has("origin") || headers.has("sec-fetch-site"))',
    to: "if (false)",
    tests: [watchers.auth],
  },
  {
    name: "an unset master key opens",
    file: "lib/auth/keys.ts",
    from: 'if (!env.MASTER_API_KEY) throw fail("not_configured")',
    to: "if (!env.MASTER_API_KEY) return",
    tests: [watchers.auth],
  },
  {
    name: "an error tells what it knows",
    file: "lib/http/problems.ts",
    from: 'return fail("internal")',
    to: 'return fail("internal", String((error as Error)?.message))',
    tests: [watchers.route],
  },
  {
    name: "the body is read before the right is checked",
    file: "lib/http/route.ts",
    from: "if (options.permission && caller.scope) allow(caller.scope, options.permission)",
    to: "await readBody(options, request.clone())\n      if (options.permission && caller.scope) allow(caller.scope, options.permission)",
    tests: [watchers.route],
  },
  {
    name: "hidden sources are shown to visitors",
    file: "lib/conversations/visible.ts",
    from: 'if (visibility === "hidden") return null\n',
    to: "",
    tests: [watchers.stream],
  },
  {
    name: "websites take sources without holding the account",
    file: "lib/knowledge/crawl.ts",
    from: "  await holdTenant(tx, crawl.tenantId)\n",
    to: "",
    tests: [watchers.choices],
  },
  {
    name: "outbound judges no address",
    file: "lib/outbound/outbound.ts",
    from: "if (!addresses.every(rules.isAllowedAddress)) throw",
    to: "if (addresses.length > 99) throw",
    tests: [watchers.outbound],
  },
  {
    name: "outbound is content with one good address",
    file: "lib/outbound/outbound.ts",
    from: "addresses.every(rules.isAllowedAddress)",
    to: "addresses.some(rules.isAllowedAddress)",
    tests: [watchers.outbound],
  },
  {
    name: "outbound resolves again when it connects",
    file: "lib/outbound/outbound.ts",
    from: "      lookup: pinnedLookup,\n",
    to: "",
    tests: [watchers.outbound],
  },
  {
    name: "outbound takes any port",
    file: "lib/outbound/outbound.ts",
    from: "isAllowedPort: (port) => port === 80 || port === 443,",
    to: "isAllowedPort: () => true,",
    tests: [watchers.outbound],
  },
  {
    name: "outbound reaches ourselves",
    file: "lib/outbound/url.ts",
    from: "if (rules.ownHosts.includes(host)) throw",
    to: "if (rules.ownHosts.length > 99) throw",
    tests: [watchers.outbound],
  },
  {
    name: "outbound asks for names of an inner network",
    file: "lib/outbound/url.ts",
    from: "(!isAddress && !isPublicName(host))",
    to: "(!isAddress && isPublicName(host) === null)",
    tests: [watchers.outbound],
  },
  {
    name: "outbound takes headers along to another origin",
    file: "lib/outbound/outbound.ts",
    from: "if (next.origin !== target.url.origin) headers = {}",
    to: "",
    tests: [watchers.outbound],
  },
  {
    name: "outbound counts no bytes",
    file: "lib/outbound/outbound.ts",
    from: "if (size <= maxBytes) continue",
    to: "if (size > 0) continue",
    tests: [watchers.outbound],
  },
  {
    name: "outbound lets a redirect of a POST through",
    file: "lib/outbound/outbound.ts",
    from: '!["GET", "HEAD"].includes(method) || hop >= maxRedirects',
    to: "hop >= maxRedirects",
    tests: [watchers.outbound],
  },
  {
    name: "an outbound address may be of any special IPv6 kind",
    file: "lib/outbound/address.ts",
    from: 'if (parsed.range() !== "unicast") return false',
    to: 'if (parsed.kind() === "ipv4" && parsed.range() !== "unicast") return false',
    tests: [watchers.address],
  },
  {
    name: "a secret at rest opens for every tenant",
    file: "lib/tenancy/encryption.ts",
    from: "[version, scope.tenantId, table, column, id]",
    to: "[version, table, column, id]",
    tests: [watchers.encryption],
  },
  {
    name: "a tool that writes runs at once",
    file: "lib/chat/tools.ts",
    from: "if (tool.isWrite) {",
    to: "if (tool.isWrite && !offered) {",
    tests: [watchers.tools],
  },
  {
    name: "a tool that writes is offered on every key",
    file: "lib/tools/queries.ts",
    from: ".filter((row) => !row.isWrite || toolIds.has(row.id))",
    to: "",
    tests: [watchers.tools],
  },
  {
    name: "a tool call is approved more than once",
    file: "lib/tools/calls.ts",
    from: 'status: "pending",\n        expiresAt',
    to: "expiresAt",
    tests: [watchers.tools],
  },
  {
    name: "a tool call waits for ever",
    file: "lib/tools/calls.ts",
    from: "        expiresAt: { gt: new Date() },\n",
    to: "",
    tests: [watchers.tools],
  },
  {
    name: "a tool runs after a yes although the key lost it",
    file: "lib/tools/calls.ts",
    from: "const isGood = leave &&",
    to: "const isGood =",
    tests: [watchers.tools],
  },
  {
    name: "a tool runs after a yes although it was changed",
    file: "lib/tools/calls.ts",
    from: "row.version === call.toolVersion &&",
    to: "",
    tests: [watchers.tools],
  },
  {
    name: "a tool takes values that nobody described",
    file: "lib/tools/request.ts",
    from: "z.strictObject(shape)",
    to: "z.object(shape)",
    tests: [watchers.toolRequest],
  },
  {
    name: "a tool's value leads to another path",
    file: "lib/tools/request.ts",
    from: "if (!isSafe || !URL.canParse(text)) return null",
    to: "if (!URL.canParse(text)) return null",
    tests: [watchers.toolRequest],
  },
  {
    name: "a tool's headers follow it to another host",
    file: "lib/tools/sealed-headers.ts",
    from: "originOf(from) !== originOf(to)",
    to: 'originOf(from) === ""',
    tests: [watchers.toolCommands],
  },
  {
    name: "a tool's secret is repeated to the model",
    file: "lib/tools/text.ts",
    from: "if (part.length >= 6) kept =",
    to: "if (part.length >= 600) kept =",
    tests: [watchers.tools],
  },
  {
    name: "an MCP server's tool is called although it changed",
    file: "lib/tools/mcp.ts",
    from: "if (!isSame) return",
    to: "if (catalog.length === 0) return",
    tests: [watchers.mcp, watchers.tools],
  },
  {
    name: "a changed tool of an MCP server is still offered",
    file: "lib/tools/queries.ts",
    from: "return server !== undefined && isCurrent(row, readCatalog(server))",
    to: "return server !== undefined",
    tests: [watchers.tools],
  },
  {
    name: "a tool is allowed in words that the owner did not see",
    file: "lib/tools/servers.ts",
    from: "if (remote.definitionHash !== definitionHash)",
    to: 'if (definitionHash === "")',
    tests: [watchers.mcp],
  },
  {
    name: "an MCP server makes us ask without end",
    file: "lib/tools/mcp.ts",
    from: "if (requests > maxRequests)",
    to: "if (requests > 9 * maxRequests * maxRequests)",
    tests: [watchers.mcp],
  },
  {
    name: "a visitor approves less than what is sent",
    file: "lib/tools/request.ts",
    from: 'value.replace(hidden, (mark) => (mark === "\\n" ? "\\n" : "")).toWellFormed()',
    to: "value.toWellFormed()",
    tests: [watchers.toolRequest],
  },
  {
    name: "an answer that nobody takes is kept for ever",
    file: "runtime/bounds.ts",
    from: "setTimeout(() => response.destroy(), mostMs)",
    to: "setTimeout(() => {}, mostMs)",
    tests: [watchers.bounds],
  },
  {
    name: "a model calls tools without end",
    file: "lib/models/chat-model.ts",
    from: "next.value.calls.slice(0, callsLeft)",
    to: "next.value.calls",
    tests: [watchers.tools],
  },
  {
    name: "the steps that tools add are not set aside",
    file: "lib/models/chat-model.ts",
    from: "const steps = tools.length > 0 ? maxSteps : 1",
    to: "const steps = 1",
    tests: [watchers.tools],
  },
  {
    name: "a reference in a server action's arguments reaches the decoder",
    file: "runtime/action-body.ts",
    from: "return Array.isArray(values) && isPlain(values, 0)",
    to: "return Array.isArray(values)",
    tests: [watchers.actionBody],
  },
  {
    name: "a server action's body may be of any length",
    file: "runtime/action-body.ts",
    from: "if (size > maxBytes) resolve(null)",
    to: "if (size < 0) resolve(null)",
    tests: [watchers.actionBody],
  },
]

const root = join(import.meta.dirname, "..")
const notCopied = new Set([
  "node_modules",
  "public",
  "test-results",
  "playwright-report",
  "screenshots",
])

/** The source with the guard broken; throws when it no longer stands there exactly once. */
export function applyMutation({ name, file, from, to }: Mutation, source: string): string {
  const parts = source.split(from)
  if (parts.length !== 2)
    throw new Error(
      `"${name}" matches ${parts.length - 1} places of ${file}: adjust scripts/mutate.ts`,
    )
  return parts.join(to)
}

function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-mutate-"))
  cpSync(root, folder, {
    recursive: true,
    filter: (path) =>
      path === root ||
      (!notCopied.has(basename(path)) && !/^\.(?!env\.example)/.test(basename(path))),
  })
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  return folder
}

type Outcome = { total: number; failed: number; output: string }

/** Runs test files of a copy. `failed` counts tests, so a file that does not even load is not "caught". */
async function runTests(folder: string, tests: string[], options: string[] = []): Promise<Outcome> {
  const report = join(folder, "report.json")
  rmSync(report, { force: true })
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const args = [vitest, "run", ...tests, ...options, "--reporter=json", `--outputFile=${report}`]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => {
      output += part.toString()
    })
  await new Promise((resolve) => child.on("close", resolve))
  try {
    const { numTotalTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"))
    return { total: numTotalTests, failed: numFailedTests, output }
  } catch {
    return { total: 0, failed: 0, output }
  }
}

/** True when the broken guard was noticed. */
async function tryMutation(folder: string, mutation: Mutation): Promise<boolean> {
  const path = join(folder, mutation.file)
  const source = readFileSync(path, "utf8")
  writeFileSync(path, applyMutation(mutation, source))
  try {
    const { failed } = await runTests(folder, mutation.tests, ["--bail=1"])
    return failed > 0
  } finally {
    writeFileSync(path, source)
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: "string" } } })
  const chosen = mutations.filter(({ name }) => !values.only || name.includes(values.only))
  const folders = [copyProject(), copyProject()]
  try {
    const tests = [...new Set(chosen.flatMap((mutation) => mutation.tests))]
    const whole = await runTests(folders[0]!, tests)
    if (whole.total === 0 || whole.failed > 0) {
      console.error(`${whole.failed} of ${whole.total} tests fail before anything is broken:`)
      console.error(whole.output)
      process.exitCode = 1
      return
    }
    let missed = 0
    const waiting = [...chosen]
    const work = async (folder: string) => {
      for (let mutation = waiting.shift(); mutation; mutation = waiting.shift()) {
        const isCaught = await tryMutation(folder, mutation)
        if (!isCaught) missed++
        console.log(`${isCaught ? "caught" : "MISSED"}  ${mutation.name}`)
      }
    }
    await Promise.all(folders.map(work))
    console.log(`${chosen.length - missed} passed, ${missed} failed`)
    process.exitCode = missed > 0 ? 1 : 0
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
