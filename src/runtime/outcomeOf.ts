/**
 * Normalises the end of an attempt to an Outcome. Errors say themselves
 * whether trying again can help (`isRetryable`, their own or their reason's);
 * who says nothing is tried again, for most failures of the outside pass.
 */
import { Cause, Exit } from "effect"
import { done, fail, isOutcome, retry } from "../domain/Outcome.ts"
import type { Outcome } from "../domain/Outcome.ts"

const property = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? (value as Record<string, unknown>)[name] : undefined

const isRetryable = (error: unknown): boolean => {
  const own = property(error, "isRetryable")
  if (typeof own === "boolean") return own
  const reasons = property(property(error, "reason"), "isRetryable")
  return typeof reasons === "boolean" ? reasons : true
}

const waitOf = (error: unknown): number | undefined => {
  const wait = property(error, "retryAfterMs") ?? property(property(error, "reason"), "retryAfterMs")
  return typeof wait === "number" && wait >= 0 ? wait : undefined
}

/** One line for people: the tag and the message of an error, whatever was thrown. */
export const lineOf = (error: unknown): string => {
  if (error instanceof Error) {
    const tag = property(error, "_tag")
    const message = error.message.split("\n")[0] ?? ""
    return typeof tag === "string" && !message.startsWith(tag) ? `${tag}: ${message}` : message || error.name
  }
  return typeof error === "string" ? error : textOf(error)
}

/** What was thrown need not fit into JSON. */
const textOf = (error: unknown): string => {
  try {
    return JSON.stringify(error) ?? String(error)
  } catch {
    return Object.prototype.toString.call(error)
  }
}

const isBytes = (value: unknown): boolean => value === null || value instanceof Uint8Array

const isOutput = (value: unknown): boolean =>
  typeof property(value, "topic") === "string" &&
  typeof property(value, "type") === "string" &&
  isBytes(property(value, "key")) &&
  isBytes(property(value, "value"))

/** Handlers may be plain JavaScript: what has an outcome's tag need not have its parts. */
const isSound = (outcome: Outcome): boolean => {
  if (outcome._tag === "Done") return Array.isArray(outcome.outputs) && outcome.outputs.every(isOutput)
  if (outcome._tag === "Delay" && !(outcome.untilMs >= 0)) return false
  return typeof outcome.reason === "string"
}

const soundOf = (outcome: Outcome): Outcome => {
  if (!isSound(outcome)) return fail(`the handler answered a ${outcome._tag} without its parts`)
  // A wait that is no time is left to the policy.
  return outcome._tag === "Retry" && outcome.afterMs !== undefined && !(outcome.afterMs >= 0)
    ? retry(outcome.reason)
    : outcome
}

/** The Outcome of an attempt that was not interrupted by the runtime. */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return isOutcome(exit.value) ? soundOf(exit.value) : done(exit.value)
  const error = Cause.squash(exit.cause)
  const isTyped = exit.cause.reasons.some((reason) => reason._tag === "Fail")
  if (isTyped && !isRetryable(error)) return fail(lineOf(error), Cause.pretty(exit.cause))
  return retry(lineOf(error), isTyped ? waitOf(error) : undefined)
}
