/**
 * A local server that speaks enough of the OpenAI API for the demo and the tests: responses, images,
 * chat, models; errors in OpenAI's own shape; scripted faults; a ledger of every call.
 */
import { createHash } from "node:crypto"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Clock, Context, Duration, Effect, FiberSet, Layer } from "effect"
import type { Scope } from "effect"
import { answerChat } from "./chatRoute.ts"
import type { FaultRule, FaultScript, ModelRoute } from "./FaultScript.ts"
import { makeFaultScript } from "./FaultScript.ts"
import { answerImages } from "./imagesRoute.ts"
import type { Ledger } from "./Ledger.ts"
import { makeLedger } from "./Ledger.ts"
import type { ModelAnswer } from "./modelErrors.ts"
import { faultAnswer, invalidKey, modelError, unknownModel, unknownUrl } from "./modelErrors.ts"
import type { RequestBody, RouteContext } from "./responsesRoute.ts"
import { answerResponses } from "./responsesRoute.ts"

/** Settings; all have defaults. */
export interface OpenAiSandboxOptions {
  /** 0 takes any free port. */
  readonly port?: number
  /** The only key the server accepts; `sandbox` by default. */
  readonly apiKey?: string
  /** How long every answer takes; none by default. */
  readonly latency?: Duration.Input
  /** Largest request body in bytes; 8 MiB by default. */
  readonly maxBodyBytes?: number
  /** Tokens of input the models take; 128,000 by default. */
  readonly contextTokens?: number
}

const models = ["gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-image-2.5-flare", "gpt-image-2.5-sunburst"]

const routes: Readonly<Record<string, ModelRoute>> = {
  "POST /v1/responses": "responses",
  "POST /v1/images/generations": "images",
  "POST /v1/chat/completions": "chat",
  "GET /v1/models": "models"
}

/** The whole body; a body over the limit is read on but not kept, so that the client gets to the answer. */
const readBody = (request: IncomingMessage, limit: number): Effect.Effect<Buffer | "too large"> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
    })
    request.once("end", () => resume(Effect.succeed(size > limit ? "too large" : Buffer.concat(chunks))))
    // A client that hangs up midway asked for nothing.
    request.once("error", () => resume(Effect.interrupt))
  })

const parseBody = (bytes: Buffer): RequestBody | undefined => {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as RequestBody) : undefined
  } catch {
    return undefined
  }
}

const modelList = (now: number): ModelAnswer => ({
  status: 200,
  body: { object: "list", data: models.map((id) => ({ id, object: "model", created: now, owned_by: "sandbox" })) }
})

const dispatch = async (route: ModelRoute, body: RequestBody, context: RouteContext): Promise<ModelAnswer> => {
  switch (route) {
    case "responses":
      return answerResponses(body, context)
    case "chat":
      return answerChat(body, context)
    case "images":
      return answerImages(body, context)
    case "models":
      return modelList(context.now)
  }
}

const send = (response: ServerResponse, answer: ModelAnswer, requestId: string, cut: boolean) => {
  const payload = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)
  response.writeHead(answer.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(payload),
    "x-request-id": requestId,
    "openai-version": "2020-10-01",
    "openai-processing-ms": "12",
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-remaining-tokens": "29850",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-reset-tokens": "300ms",
    ...answer.headers
  })
  if (!cut) return response.end(payload)
  return response.write(payload.slice(0, Math.ceil(payload.length / 2)), () => response.destroy())
}

/** The running server. */
export interface OpenAiSandboxShape {
  /** For `baseURL` of a client; ends in `/v1`. */
  readonly baseUrl: string
  readonly apiKey: string
  readonly ledger: Ledger
  /** Adds a rule of misbehaviour behind those already waiting. */
  readonly script: (rule: FaultRule) => Effect.Effect<void>
  /** Forgets all rules. */
  readonly heal: Effect.Effect<void>
  /** Changes how long every later answer takes. */
  readonly setLatency: (latency: Duration.Input) => Effect.Effect<void>
}

interface ServerState {
  readonly options: OpenAiSandboxOptions
  readonly apiKey: string
  readonly ledger: Ledger
  readonly faults: FaultScript
  latency: Duration.Input
  requests: number
}

const answerFor = (
  state: ServerState,
  route: ModelRoute | undefined,
  request: IncomingMessage,
  bytes: Buffer | "too large",
  rule: FaultRule | undefined,
  id: string,
  now: number
): Promise<ModelAnswer> | ModelAnswer => {
  const path = new URL(request.url ?? "/", "http://sandbox").pathname
  const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1]
  if (key === undefined)
    return modelError(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
    )
  if (key !== state.apiKey) return invalidKey(key)
  const model = /^\/v1\/models\/(.+)$/.exec(path)?.[1]
  if (model !== undefined && request.method === "GET")
    return models.includes(model)
      ? { status: 200, body: { id: model, object: "model", created: now, owned_by: "sandbox" } }
      : unknownModel(model)
  if (route === undefined) return unknownUrl(request.method ?? "GET", path)
  if (bytes === "too large")
    return { ...modelError(413, "The request body is too large."), headers: { connection: "close" } }
  const scripted = rule === undefined ? undefined : faultAnswer(rule)
  if (scripted !== undefined) return scripted
  const body = route === "models" ? {} : parseBody(bytes)
  if (body === undefined)
    return modelError(
      400,
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)"
    )
  return dispatch(route, body, {
    fault: rule?.kind,
    id,
    now,
    knowsModel: (name) => /^(?:gpt-|o\d|sandbox)/.test(name),
    contextTokens: state.options.contextTokens ?? 128_000
  })
}

const handle = Effect.fnUntraced(function* (state: ServerState, request: IncomingMessage, response: ServerResponse) {
  const number = ++state.requests
  const path = new URL(request.url ?? "/", "http://sandbox").pathname
  const route = routes[`${request.method} ${path}`]
  const bytes = yield* readBody(request, state.options.maxBodyBytes ?? 8 * 1024 * 1024)
  const hash = createHash("sha256").update(bytes).digest("hex")
  const rule = route === undefined ? undefined : state.faults.take(route)
  const line = { request: number, route: path, requestHash: hash, ...(rule !== undefined && { fault: rule.kind }) }
  const body = bytes === "too large" ? undefined : parseBody(bytes)
  // Once the answer has gone out, or we cut the line ourselves, closing is no news.
  let ended = false
  response.once("close", () => {
    if (!ended && !response.writableFinished) state.ledger.append({ kind: "dropped", by: "client", ...line })
    ended = true
  })
  state.ledger.append({ kind: "arrived", ...line, ...(body !== undefined && { body }) })
  if (!Duration.isZero(Duration.fromInputUnsafe(state.latency))) yield* Effect.sleep(state.latency)
  if (rule?.kind === "silent") return
  if (rule?.kind === "cut_before") {
    ended = true
    state.ledger.append({ kind: "dropped", by: "sandbox", ...line })
    request.socket.destroy()
    return
  }
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const id = createHash("sha256").update(`${number}:${hash}`).digest("hex").slice(0, 32)
  const answer = yield* Effect.promise(async () => answerFor(state, route, request, bytes, rule, id, now))
  if (response.destroyed) return
  const cut = rule?.kind === "cut_midway"
  ended = true
  state.ledger.append(
    cut ? { kind: "dropped", by: "sandbox", ...line } : { kind: "answered", status: answer.status, ...line }
  )
  send(response, answer, `req_${id}`, cut)
})

/** Starts the server; the scope's end closes it with every connection. */
export const makeOpenAiSandbox = (
  options: OpenAiSandboxOptions = {}
): Effect.Effect<OpenAiSandboxShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const state: ServerState = {
      options,
      apiKey: options.apiKey ?? "sandbox",
      ledger: makeLedger(),
      faults: makeFaultScript(),
      latency: options.latency ?? 0,
      requests: 0
    }
    const run = yield* FiberSet.makeRuntime<never, void, never>()
    const server = createServer((request, response) => {
      run(
        handle(state, request, response).pipe(
          Effect.tapCause((cause) => Effect.logError("sandbox model request failed", cause))
        )
      )
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.once("error", (cause) => resume(Effect.die(cause)))
        server.listen(options.port ?? 0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    return {
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
      apiKey: state.apiKey,
      ledger: state.ledger,
      script: (rule) => Effect.sync(() => state.faults.add(rule)),
      heal: Effect.sync(() => state.faults.clear()),
      setLatency: (latency) =>
        Effect.sync(() => {
          state.latency = latency
        })
    }
  })

/** The sandbox model as a service. */
export class OpenAiSandbox extends Context.Service<OpenAiSandbox, OpenAiSandboxShape>()(
  "postroom/sandbox/openai/OpenAiSandbox"
) {
  /** A server for as long as the layer lives. */
  static readonly layer = (options: OpenAiSandboxOptions = {}): Layer.Layer<OpenAiSandbox> =>
    Layer.effect(OpenAiSandbox, makeOpenAiSandbox(options))
}
