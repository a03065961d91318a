/**
 * The same API through the eyes of others: schemathesis reads our OpenAPI
 * document and checks the answers by rules of its own. It is a Python program
 * and part of a run where it is installed.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { temporaryFolder } from "../scenarios/Installation.ts"
import { startTarget } from "./Target.ts"

export interface SchemathesisReport {
  readonly ran: boolean
  readonly seconds: number
  readonly output: string
  /** Whether it found nothing; also where it did not run. */
  readonly passed: boolean
}

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where schemathesis stands: as it was named, or on PATH; null where it is not installed. */
export const findSchemathesis = (named: string | undefined): string | null => {
  if (named !== undefined) return isProgram(named) ? named : null
  const folders = (process.env["PATH"] ?? "").split(path.delimiter)
  const places = folders.flatMap((folder) => [path.join(folder, "schemathesis"), path.join(folder, "st")])
  return places.find(isProgram) ?? null
}

const settings = fileURLToPath(new URL("schemathesis.toml", import.meta.url))

const mostOutput = 60_000

const outputOf = (program: string, args: ReadonlyArray<string>, cwd: string) =>
  Effect.callback<{ readonly code: number | null; readonly output: string }>((resume) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    const add = (text: string) => {
      output = (output + text).slice(-mostOutput)
    }
    child.stdout.setEncoding("utf8").on("data", add)
    child.stderr.setEncoding("utf8").on("data", add)
    child.on("error", (error) => resume(Effect.succeed({ code: null, output: error.message })))
    child.on("close", (code) => resume(Effect.succeed({ code, output })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** Runs all its checks against a program of its own. */
export const runSchemathesis = (program: string, seed: number, examples: number): Effect.Effect<SchemathesisReport> =>
  Effect.scoped(
    Effect.gen(function* () {
      // It leaves a folder of examples where it runs.
      const folder = yield* temporaryFolder
      const { base, token } = yield* startTarget
      const began = performance.now()
      const { code, output } = yield* outputOf(
        program,
        [
          "--config-file",
          settings,
          "run",
          `${base}/openapi.json`,
          "--header",
          `Authorization: Bearer ${token}`,
          "--checks",
          "all",
          "--max-examples",
          String(examples),
          "--seed",
          String(seed),
          "--no-color"
        ],
        folder
      )
      return {
        ran: true,
        seconds: (performance.now() - began) / 1_000,
        output: output.replaceAll(token, "<token>"),
        passed: code === 0
      }
    })
  )
