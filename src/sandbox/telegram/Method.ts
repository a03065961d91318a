/** What a method of the sandbox's API is: a request from a known caller in, a TL answer or a refusal out. */
import type { Effect } from "effect"
import type { Accounts, AuthorizationKey } from "./Accounts.ts"
import type { Files, Uploads } from "./Files.ts"
import type { Ledger } from "./Ledger.ts"
import type { RpcRefusal } from "./RpcRefusal.ts"
import type { TlAnswer } from "./TlEncoder.ts"
import type { TlView } from "./TlMessages.ts"
import type { TlObject } from "./TlSchema.ts"
import type { World } from "./World.ts"

/** Settings that change how methods answer. */
export interface MethodSettings {
  /** The answer to a repeated random id: Telegram does either. */
  readonly onRepeatedRandomId: "original" | "error"
  /** Bots may not read a channel's history on Telegram; a demo may want them to. */
  readonly botsReadHistory: boolean
  readonly messageLengthMax: number
  readonly captionLengthMax: number
}

/** The data centres this server plays: id and port. The first is where accounts live. */
type DataCentres = ReadonlyArray<{ readonly id: number; readonly port: number }>

/** Everything methods share. `now` is in seconds. */
export interface MethodContext {
  readonly world: World
  readonly accounts: Accounts
  readonly files: Files
  readonly uploads: Uploads
  readonly ledger: Ledger
  readonly settings: MethodSettings
  readonly dataCentres: () => DataCentres
  readonly now: () => number
  readonly nowMillis: () => number
  readonly randomBytes: (count: number) => Buffer
}

/** Who calls: the authorization key and the data centre the connection belongs to. */
export interface Caller {
  readonly key: AuthorizationKey
  readonly dc: number
  readonly view: TlView
}

/** One method of the API. */
type Method = (request: TlObject, caller: Caller) => Effect.Effect<TlAnswer, RpcRefusal>

/** Methods by Telegram's name in lower case. */
export type MethodTable = Readonly<Record<string, Method>>
