/** The answers by which a Telegram server refuses a request. */
import { Data } from "effect"

/** An `rpc_error`: Telegram's numeric code and its upper-case text (`FLOOD_WAIT_7`, `CHANNEL_INVALID` …). */
export class RpcRefusal extends Data.TaggedError("RpcRefusal")<{ readonly code: number; readonly text: string }> {}

/** A refusal with code 400 unless told otherwise. */
export const refuse = (text: string, code = 400): RpcRefusal => new RpcRefusal({ code, text })
