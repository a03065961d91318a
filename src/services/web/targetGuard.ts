/**
 * Decides where a user's URL may lead. A name is resolved once, all of its addresses are checked, and
 * the connection is then made to those addresses and no others, so a name server that changes its
 * mind between check and connection (DNS rebinding) gains nothing.
 */
import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import { Effect } from "effect"
import { isPublicAddress } from "./publicAddress.ts"
import type { SafeFetchReason } from "./SafeFetchError.ts"
import { ForbiddenTarget, InvalidUrl, SafeFetchError, Unresolvable } from "./SafeFetchError.ts"

/** One address of a name. */
export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Where URLs may lead beyond the public web on the allowed ports. */
export interface TargetRules {
  /** Ports a URL may name; 80 and 443 by default. */
  readonly ports?: ReadonlyArray<number>
  /** Origins (`http://127.0.0.1:4510`) that are exempt from all rules; for the sandbox and for tests. */
  readonly allowedOrigins?: ReadonlyArray<string>
  /** Lets private networks and every port in; for installations whose feeds live in their own network. */
  readonly allowPrivate?: boolean
  /** Name resolution; the system's by default. */
  readonly resolve?: (hostname: string) => Promise<ReadonlyArray<ResolvedAddress>>
}

/** A URL that passed, with the only addresses a connection may go to. */
export interface CheckedTarget {
  readonly url: URL
  readonly addresses: ReadonlyArray<ResolvedAddress>
}

const fail = (reason: SafeFetchReason) => Effect.fail(new SafeFetchError({ reason }))

const resolveBySystem = async (hostname: string): Promise<ReadonlyArray<ResolvedAddress>> =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4
  }))

/** Names that never belong to the public web, refused before anybody is asked for their address (RFC 6761, 6762, 8375, 9476). */
const localName = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home\.arpa|corp|home|onion|test|invalid|alt)\.?$/i

const addressesOf = (
  hostname: string,
  rules: TargetRules
): Effect.Effect<ReadonlyArray<ResolvedAddress>, SafeFetchError> => {
  const bare = hostname.replace(/^\[|\]$/g, "")
  const family = isIP(bare)
  if (family !== 0) return Effect.succeed([{ address: bare, family: family === 6 ? 6 : 4 }])
  return Effect.tryPromise({
    try: () => (rules.resolve ?? resolveBySystem)(bare),
    catch: (cause) =>
      new SafeFetchError({
        reason: new Unresolvable({ url: hostname, detail: cause instanceof Error ? cause.message : String(cause) })
      })
  })
}

/** Checks one URL (the user's own or that of a redirect) and resolves it. */
export const checkTarget = (
  input: string,
  rules: TargetRules,
  base?: URL
): Effect.Effect<CheckedTarget, SafeFetchError> =>
  Effect.gen(function* () {
    const url = URL.parse(input, base?.href)
    if (url === null) return yield* fail(new InvalidUrl({ url: input, detail: "not a URL" }))
    if (url.protocol !== "http:" && url.protocol !== "https:")
      return yield* fail(new InvalidUrl({ url: input, detail: `${url.protocol} is not http or https` }))
    if (url.username !== "" || url.password !== "")
      return yield* fail(new InvalidUrl({ url: url.host, detail: "a URL with credentials is not fetched" }))
    const free = rules.allowPrivate === true || (rules.allowedOrigins ?? []).includes(url.origin)
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port)
    if (!free && !(rules.ports ?? [80, 443]).includes(port))
      return yield* fail(new ForbiddenTarget({ url: url.href, detail: `port ${port} is not allowed` }))
    const isName = isIP(url.hostname.replace(/^\[|\]$/g, "")) === 0
    if (!free && isName && (localName.test(url.hostname) || !url.hostname.replace(/\.$/, "").includes(".")))
      return yield* fail(new ForbiddenTarget({ url: url.href, detail: `${url.hostname} is a local name` }))
    const addresses = yield* addressesOf(url.hostname, rules)
    if (addresses.length === 0)
      return yield* fail(new Unresolvable({ url: url.href, detail: "the name has no address" }))
    const closed = free ? undefined : addresses.find(({ address }) => !isPublicAddress(address))
    if (closed !== undefined)
      return yield* fail(new ForbiddenTarget({ url: url.href, detail: `${closed.address} is not a public address` }))
    return { url, addresses }
  })
