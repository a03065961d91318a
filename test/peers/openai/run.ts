/**
 * Lets software by others judge the sandbox model: OpenAI's Python SDK directly, and LiteLLM as a
 * proxy in between (`--litellm`), which the adapter of services/ai then uses too. Installs both into
 * a virtual environment in the user's cache directory.
 *
 *   node test/peers/openai/run.ts [--litellm]
 */
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Redacted, Schedule, Schema } from "effect"
import type { FaultRule } from "../../../src/sandbox/openai/FaultScript.ts"
import type { OpenAiSandboxShape } from "../../../src/sandbox/openai/OpenAiSandbox.ts"
import { makeOpenAiSandbox } from "../../../src/sandbox/openai/OpenAiSandbox.ts"
import { makeOpenAi } from "../../../src/services/ai/OpenAi.ts"

const here = import.meta.dirname
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "postroom", "openai-peers")
const bin = (name: string) => join(cache, "venv", "bin", name)

const finished = async (child: ChildProcess): Promise<number> => {
  const [code] = (await once(child, "exit")) as [number | null]
  return code ?? 1
}

const run = (command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  finished(spawn(command, [...args], { stdio: "inherit", env: { ...process.env, ...env } }))

/** Installs what is missing; the second run finds it. */
const install = async (withLitellm: boolean) => {
  mkdirSync(cache, { recursive: true })
  if (!existsSync(bin("python")) && (await run("python3", ["-m", "venv", join(cache, "venv")])) !== 0)
    throw new Error("python3 with venv is needed")
  const wanted = withLitellm ? ["openai", "pydantic", "litellm[proxy]==1.106.2"] : ["openai", "pydantic"]
  const modules = withLitellm ? ["openai", "pydantic", "litellm"] : ["openai", "pydantic"]
  const probe = `import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ${JSON.stringify(modules)}))`
  const present = await run(bin("python"), ["-c", probe])
  if (present !== 0 && (await run(bin("pip"), ["install", "--quiet", ...wanted])) !== 0)
    throw new Error("pip install failed")
}

/** Scripted faults and the ledger over HTTP, for the Python side. */
const serveControl = (sandbox: OpenAiSandboxShape) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer(async (request, response) => {
        const chunks: Array<Buffer> = []
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
        if (request.method === "POST")
          await Effect.runPromise(sandbox.script(JSON.parse(Buffer.concat(chunks).toString()) as FaultRule))
        if (request.method === "DELETE") await Effect.runPromise(sandbox.heal)
        response.end(JSON.stringify(request.method === "GET" ? sandbox.ledger.entries() : null))
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`))

const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** LiteLLM in front of the sandbox, until the scope ends. */
const startLitellm = (sandboxUrl: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = mkdtempSync(join(tmpdir(), "postroom-litellm-"))
      const config = join(folder, "config.yaml")
      writeFileSync(config, readFileSync(join(here, "litellm.yaml"), "utf8").replaceAll("SANDBOX_URL", sandboxUrl))
      const port = await freePort()
      const child = spawn(
        bin("litellm"),
        ["--config", config, "--host", "127.0.0.1", "--port", String(port), "--telemetry", "False"],
        {
          stdio: ["ignore", "ignore", "inherit"],
          env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_LOG: "ERROR" }
        }
      )
      return { child, folder, url: `http://127.0.0.1:${port}` }
    }),
    ({ child, folder }) =>
      Effect.promise(async () => {
        if (child.exitCode === null) {
          child.kill("SIGTERM")
          await finished(child)
        }
        rmSync(folder, { recursive: true, force: true })
      })
  ).pipe(
    Effect.tap(({ url }) =>
      Effect.tryPromise(() =>
        fetch(`${url}/health/liveliness`).then((answer) => (answer.ok ? undefined : Promise.reject(answer)))
      ).pipe(Effect.retry({ times: 240, schedule: Schedule.spaced("250 millis") }), Effect.orDie)
    )
  )

/** The adapter of services/ai behind the proxy: an answer, a picture, and the proxy's own 429. */
const adapterThroughProxy = Effect.fnUntraced(function* (url: string) {
  const ai = makeOpenAi({
    apiKey: Redacted.make("sk-peer"),
    baseUrl: `${url}/v1`,
    model: "gpt-5-mini",
    imageModel: "gpt-image-2.5-flare",
    timeout: "30 seconds",
    imageTimeout: "30 seconds",
    userKey: Redacted.make("peer")
  })
  const ask = (model?: string) =>
    ai.generate({
      instructions: "Rewrite.",
      input: "<post>The museum of clocks opens on Sundays again. The big one strikes every quarter of an hour.</post>",
      schema: Schema.Struct({ title: Schema.String, text: Schema.String }),
      schemaName: "post",
      maxOutputTokens: 500,
      user: "u",
      ...(model !== undefined && { model })
    })
  const { value } = yield* ask()
  console.log(`ok   the adapter reads the proxy: “${value.title}”`)
  const picture = yield* ai.image({ prompt: "a clock", size: "256x256", user: "u" })
  console.log(`ok   the adapter gets ${picture.bytes.length} bytes of ${picture.mime} through the proxy`)
  const limited = yield* Effect.flip(Effect.forever(ask("gpt-limited"), { disableYield: true }))
  if (limited.reason._tag !== "RateLimited") return yield* Effect.die(limited)
  console.log(`ok   the proxy's 429 is ${limited.reason._tag}: ${limited.reason.detail.slice(0, 80)}`)
})

const main = Effect.gen(function* () {
  const withLitellm = process.argv.includes("--litellm")
  yield* Effect.promise(() => install(withLitellm))
  const sandbox = yield* makeOpenAiSandbox()
  const control = yield* serveControl(sandbox)
  const env = { BASE_URL: sandbox.baseUrl, API_KEY: sandbox.apiKey, CONTROL_URL: control }
  const direct = yield* Effect.promise(() => run(bin("python"), [join(here, "openai_sdk.py")], env))
  if (!withLitellm || direct !== 0) return direct
  yield* sandbox.heal
  const proxy = yield* startLitellm(sandbox.baseUrl)
  const through = yield* Effect.promise(() =>
    run(bin("python"), [join(here, "litellm_client.py")], { BASE_URL: `${proxy.url}/v1`, API_KEY: "sk-peer" })
  )
  yield* adapterThroughProxy(proxy.url)
  return through
})

process.exitCode = await Effect.runPromise(Effect.scoped(main))
