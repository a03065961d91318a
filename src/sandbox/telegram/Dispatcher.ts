/**
 * One request in, one reply out: unwraps invocation wrappers, applies scripted faults and flood control, checks that
 * somebody is signed in and calls the method. Whatever fails, the reply is an `rpc_error` and never an exception.
 */
import { Cause, Effect } from "effect"
import { Api } from "telegram/tl/index.js"
import { codeOf, type Fault, type FaultScript } from "./Faults.ts"
import type { Caller, MethodContext, MethodTable } from "./Method.ts"
import { authMethods, openMethods } from "./methods/auth.ts"
import { changingMethods, publishDue } from "./methods/changing.ts"
import { channelMethods } from "./methods/channels.ts"
import { mediaMethods } from "./methods/media.ts"
import { sendingMethods } from "./methods/sending.ts"
import type { RateLimiter } from "./RateLimiter.ts"
import { refuse, type RpcRefusal } from "./RpcRefusal.ts"
import { encodeAnswer, type TlAnswer } from "./TlEncoder.ts"
import type { TlObject } from "./TlSchema.ts"

/** What to do on the wire: the body of an `rpc_result`, and the fault that hit the request. */
interface Reply {
  /** `undefined`: nothing is answered. */
  readonly body: Buffer | undefined
  readonly fault: Fault | undefined
  /** The client asked for no updates on this connection. */
  readonly quiet: boolean
}

/** One executed or refused request, for tests that count calls. */
export interface Call {
  readonly method: string
  readonly accountId: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface Dispatcher {
  readonly dispatch: (request: TlObject, caller: Caller) => Effect.Effect<Reply>
  /** The last ten thousand requests, oldest first. */
  readonly calls: () => ReadonlyArray<Call>
}

const callsMax = 10_000

const wrappers = new Set([
  "InvokeWithLayer",
  "InitConnection",
  "InvokeAfterMsg",
  "InvokeAfterMsgs",
  "InvokeWithoutUpdates",
  "InvokeWithTakeout"
])

/** An `rpc_error` as the body of an `rpc_result`. */
export const errorBody = (code: number, text: string): Buffer =>
  new Api.RpcError({ errorCode: code, errorMessage: text }).getBytes()

const postCost = (method: string, request: TlObject): number =>
  method === "messages.sendmultimedia"
    ? (request["multiMedia"] as ReadonlyArray<unknown>).length
    : method === "messages.sendmessage" || method === "messages.sendmedia"
      ? 1
      : 0

/** Makes the dispatcher over all methods. */
export const makeDispatcher = (
  context: MethodContext,
  faults: FaultScript,
  limiter: RateLimiter | undefined
): Dispatcher => {
  const methods: MethodTable = {
    ...authMethods(context),
    ...channelMethods(context),
    ...mediaMethods(context),
    ...sendingMethods(context),
    ...changingMethods(context)
  }
  const calls: Array<Call> = []

  const execute = (name: string, request: TlObject, caller: Caller): Effect.Effect<TlAnswer, RpcRefusal> => {
    const method = methods[name]
    if (method === undefined) return Effect.fail(refuse("INPUT_METHOD_INVALID"))
    if (caller.key.account === undefined && !openMethods.has(name)) {
      return Effect.fail(refuse("AUTH_KEY_UNREGISTERED", 401))
    }
    const chat: string | undefined = request["peer"]?.["channelId"]?.toString()
    const seconds = limiter?.take(caller.key.account?.id ?? caller.key.id, name, chat, postCost(name, request)) ?? 0
    if (seconds > 0) return Effect.fail(refuse(`FLOOD_WAIT_${seconds}`, 420))
    publishDue(context)
    return method(request, caller)
  }

  return {
    calls: () => calls.slice(-callsMax),
    dispatch: Effect.fnUntraced(function* (wrapped, caller) {
      let request = wrapped
      let quiet = false
      while (wrappers.has(request.className)) {
        quiet ||= request.className === "InvokeWithoutUpdates"
        request = request["query"]
      }
      const name = request.className.toLowerCase()
      calls.push({ method: request.className, accountId: caller.key.account?.id, at: context.nowMillis() })
      if (calls.length > callsMax * 2) calls.splice(0, calls.length - callsMax)
      const fault = faults.take(request.className)
      if (fault?.dropBefore === true || fault?.ignored === true || fault?.transportError !== undefined) {
        return { body: undefined, fault, quiet }
      }
      if (fault?.error !== undefined) {
        return { body: errorBody(fault.code ?? codeOf(fault.error), fault.error), fault, quiet }
      }
      const body = yield* execute(name, request, caller).pipe(
        Effect.map(encodeAnswer),
        Effect.catchTag("RpcRefusal", (refusal) => Effect.succeed(errorBody(refusal.code, refusal.text))),
        Effect.catchCause((cause) =>
          Effect.logError("the sandbox Telegram failed on a request", request.className, Cause.pretty(cause)).pipe(
            Effect.as(errorBody(500, "INTERNAL"))
          )
        )
      )
      return { body: fault?.dropAfter === true || fault?.silent === true ? undefined : body, fault, quiet }
    })
  }
}
