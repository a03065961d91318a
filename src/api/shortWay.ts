/**
 * The short way of the one hot request: `POST /events` with a known token and
 * nothing wrong. It leaves out routing and the layers of the contract, which
 * cost more than the request itself. Whatever is not plainly right takes the
 * whole way, which says what is wrong; both answer the same.
 */
import { Effect, Result, Schema } from "effect"
import type { HttpServerRequest } from "effect/http"
import { HttpServerResponse } from "effect/http"
import { EventIntake } from "../journal/EventIntake.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import { PostedEvent, strict } from "./Contract.ts"
import { EventTypes } from "./EventTypes.ts"
import { guarded } from "./guarded.ts"
import { receiptOf } from "./present.ts"
import { responseOf } from "./Problems.ts"
import { check } from "./submission.ts"
import { Tokens } from "./Tokens.ts"

const path = "/api/v1/events"

const bearer = /^Bearer (\S+)$/

const decodePosted = Schema.decodeUnknownResult(Schema.fromJsonString(PostedEvent), strict)

/** The token of a request that may go the short way. */
const tokenOf = ({ method, url, headers }: HttpServerRequest.HttpServerRequest): string | undefined =>
  method === "POST" &&
  url === path &&
  headers["content-type"] === "application/json" &&
  headers["idempotency-key"] === undefined
    ? bearer.exec(headers["authorization"] ?? "")?.[1]
    : undefined

/** The effect that makes the short way; given the whole way, it answers a request by the one or the other. */
export const makeShortWay = Effect.gen(function* () {
  const intake = yield* EventIntake
  const types = yield* EventTypes
  const tokens = yield* Tokens

  /** The event in `body`, or null where there is something to say about it. */
  const read = (body: string): CheckedEvent | null => {
    const posted = decodePosted(body)
    if (Result.isFailure(posted)) return null
    const checked = check(types, posted.success, undefined, [])
    return Result.isSuccess(checked) ? checked.success : null
  }

  return <E, R>(
    request: HttpServerRequest.HttpServerRequest,
    wholeWay: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> => {
    const token = tokenOf(request)
    if (token === undefined) return wholeWay

    const post = (event: CheckedEvent): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
      // A client that hangs up must not leave it open whether its event was taken.
      Effect.matchEffect(Effect.uninterruptible(guarded(intake.submit([event]))), {
        // Not the whole way: it would post an event without an id a second time, under another one.
        onFailure: (error) => Effect.succeed(responseOf(error)),
        onSuccess: ([acceptance]) =>
          acceptance === "conflict"
            ? wholeWay
            : Effect.succeed(HttpServerResponse.jsonUnsafe(receiptOf(event), { status: 202 }))
      })

    // What was read of the body stays with the request: the whole way reads the same.
    const readBody = Effect.matchEffect(request.text, {
      onFailure: () => wholeWay,
      onSuccess: (body) => {
        const event = read(body)
        return event === null ? wholeWay : post(event)
      }
    })

    return Effect.matchEffect(tokens.isValid(token), {
      onFailure: () => wholeWay,
      onSuccess: (isValid) => (isValid ? readBody : wholeWay)
    })
  }
})
