/**
 * The edge of the process: one program, two signals, one exit code. The first
 * SIGINT or SIGTERM asks the program to end in order (workers drain, the
 * database is left well); the second ends the process at once.
 */
import { Cause, Effect, Exit, Fiber, Layer, Logger, References } from "effect"
import { WrongUsage } from "./usage.ts"

const interruptedBy: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 0 }

/** One line for people; stacks only for defects, which are bugs of ours. */
const complain = (cause: Cause.Cause<unknown>): void => {
  const error = Cause.squash(cause)
  const isDefect = cause.reasons.some((reason) => reason._tag === "Die")
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(isDefect ? `${Cause.pretty(cause)}\n` : `postroom: ${message.split("\n").join(" ")}\n`)
}

/** Log lines go to stderr, so that stdout is for answers: coloured on a terminal, logfmt elsewhere. */
export const layerLogs = (level: "debug" | "info" | "warn" | "error") =>
  Layer.mergeAll(
    Logger.layer([
      process.stderr.isTTY ? Logger.withConsoleError(Logger.formatSimple) : Logger.withConsoleError(Logger.formatLogFmt)
    ]),
    Layer.succeed(
      References.MinimumLogLevel,
      ({ debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const)[level]
    )
  )

/** Wrong usage; the shells' own convention. */
const usageCode = 2

/** Runs a program and ends the process with its code: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C. */
export const runMain = (program: Effect.Effect<number, unknown>): void => {
  // Whoever reads our output may stop (`| head`): then there is nobody left to write for.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))
  const fiber = Effect.runFork(program)
  let asked: string | undefined
  const ask = (signal: NodeJS.Signals) => {
    if (asked !== undefined) {
      process.stderr.write(`postroom: ended at once by a second ${signal}\n`)
      process.exit(1)
    }
    asked = signal
    Effect.runFork(Fiber.interrupt(fiber))
  }
  process.on("SIGINT", ask)
  process.on("SIGTERM", ask)
  fiber.addObserver((exit) => {
    if (Exit.isSuccess(exit)) return process.exit(exit.value)
    if (Cause.hasInterruptsOnly(exit.cause)) return process.exit(asked === undefined ? 1 : (interruptedBy[asked] ?? 1))
    complain(exit.cause)
    process.exit(Cause.squash(exit.cause) instanceof WrongUsage ? usageCode : 1)
  })
}
