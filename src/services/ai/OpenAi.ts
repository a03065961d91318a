/**
 * {@link Ai} over the OpenAI HTTP API (or anything that speaks it). The SDK's own retries are off:
 * retrying is the queue's business and the SDK would repeat calls that cannot succeed. Answers are
 * decoded here, not by the SDK, so that the decoder's words can go back to the model.
 */
import { createHmac } from "node:crypto"
import { Clock, Duration, Effect, Layer, Redacted, Result, Schema } from "effect"
import OpenAI from "openai"
import type { Response, ResponseCreateParamsNonStreaming } from "openai/resources/responses/responses"
import type { GeneratedImage, GenerateRequest, ImageRequest } from "./Ai.ts"
import { Ai } from "./Ai.ts"
import type { AiErrorReason } from "./AiError.ts"
import {
  AiError,
  ConfigError,
  InvalidJson,
  PolicyBlocked,
  Refused,
  Timeout,
  TokenLimit,
  Unavailable
} from "./AiError.ts"
import { failedResponseReason, openAiFailure } from "./openAiFailure.ts"
import { rateLimitsOf } from "./rateLimitHeaders.ts"
import { strictJsonSchema } from "./strictJsonSchema.ts"

/** Settings of the adapter. */
export interface OpenAiOptions {
  readonly apiKey: Redacted.Redacted
  /** Including the version, e.g. `https://api.openai.com/v1`. */
  readonly baseUrl: string
  readonly model: string
  readonly imageModel: string
  /** Whole call, body included. */
  readonly timeout: Duration.Input
  readonly imageTimeout: Duration.Input
  /** Key of the HMAC that hides user ids from the provider. */
  readonly userKey: Redacted.Redacted
}

const fail = (reason: AiErrorReason) => Effect.fail(new AiError({ reason }))

/** `undefined` when the answer is complete, else why it is not. A gateway may answer 200 with something else entirely. */
const incomplete = (response: Response): AiErrorReason | undefined => {
  if (!Array.isArray(response?.output)) return new Unavailable({ detail: "the answer is not a Response object" })
  if (response.status === "failed" && response.error != null) return failedResponseReason(response.error)
  const why = response.status === "incomplete" ? (response.incomplete_details?.reason ?? "unknown") : undefined
  if (why === "content_filter")
    return new PolicyBlocked({ detail: "the answer was stopped by a content filter", code: why })
  if (why !== undefined) return new TokenLimit({ detail: `the answer was cut short: ${why}`, limit: "output" })
  const parts = response.output.flatMap((item) => (item.type === "message" ? item.content : []))
  const refusal = parts.find((part) => part.type === "refusal")
  return refusal === undefined ? undefined : new Refused({ detail: refusal.refusal })
}

const outputText = (response: Response): string =>
  response.output
    .flatMap((item) => (item.type === "message" ? item.content : []))
    .map((part) => (part.type === "output_text" ? part.text : ""))
    .join("")

const parseJson = (text: string): Result.Result<unknown, string> =>
  text.trim() === ""
    ? Result.fail("the answer was empty")
    : Result.try({ try: (): unknown => JSON.parse(text), catch: (cause) => `the answer is not JSON: ${String(cause)}` })

/** Decodes an answer by its schema; the failure holds every problem with its path. JSON's 1e999 is refused as not finite. */
const decodeAnswer = <A, E>(schema: Schema.Codec<A, E>, text: string): Result.Result<A, string> =>
  Result.flatMap(parseJson(text), (value) =>
    Result.mapError(
      Schema.decodeUnknownResult(Schema.toCodecJson(schema), { errors: "all", onExcessProperty: "error" })(value),
      (error) => error.message
    )
  )

const sniffMime = (bytes: Uint8Array): GeneratedImage["mime"] | undefined => {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1")
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "image/png"
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg"
  return head.startsWith("RIFF") && head.endsWith("WEBP") ? "image/webp" : undefined
}

/** The adapter over one client. The layer {@link layerOpenAi} is what programs use. */
export const makeOpenAi = (options: OpenAiOptions): Ai["Service"] => {
  const client = new OpenAI({
    apiKey: Redacted.value(options.apiKey),
    baseURL: options.baseUrl,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    logLevel: "off"
  })
  const hideUser = (user: string) => createHmac("sha256", Redacted.value(options.userKey)).update(user).digest("hex")

  /** One request: the SDK's timeout ends with the headers, so the whole call has its own. */
  const call = <A>(timeout: Duration.Input, run: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, AiError> =>
    Effect.tryPromise({ try: run, catch: (cause) => cause }).pipe(
      Effect.catch((cause) => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fail(openAiFailure(cause, now)))),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          fail(new Timeout({ detail: `no answer within ${Duration.format(Duration.fromInputUnsafe(timeout))}` }))
      })
    )

  const generate = Effect.fn("Ai.generate")(function* <A, E>(request: GenerateRequest<A, E>) {
    const model = request.model ?? options.model
    const schema = strictJsonSchema(request.schema)
    if (Result.isFailure(schema))
      return yield* fail(new ConfigError({ detail: `schema ${request.schemaName}: ${schema.failure}` }))
    const params: ResponseCreateParamsNonStreaming = {
      model,
      instructions: request.instructions,
      input: [
        { role: "user", content: request.input },
        ...(request.feedback === undefined
          ? []
          : [
              {
                role: "developer" as const,
                content: `Your previous answer was not accepted. Correct this:\n${request.feedback}`
              }
            ])
      ],
      text: { format: { type: "json_schema", name: request.schemaName, strict: true, schema: { ...schema.success } } },
      max_output_tokens: request.maxOutputTokens,
      store: false,
      safety_identifier: hideUser(request.user),
      prompt_cache_key: request.promptCacheKey ?? request.schemaName,
      ...(request.metadata !== undefined && { metadata: { ...request.metadata } })
    }
    const { data, response } = yield* call(options.timeout, (signal) =>
      client.responses.create(params, { signal, timeout: Duration.toMillis(options.timeout) }).withResponse()
    )
    const reason = incomplete(data)
    const requestId = response.headers.get("x-request-id")
    const known = requestId === null ? {} : { requestId }
    if (reason !== undefined) return yield* Effect.fail(new AiError({ reason, ...known }))
    const decoded = decodeAnswer(request.schema, outputText(data))
    if (Result.isFailure(decoded))
      return yield* Effect.fail(new AiError({ reason: new InvalidJson({ detail: decoded.failure }), ...known }))
    return {
      value: decoded.success,
      usage: { inputTokens: data.usage?.input_tokens ?? 0, outputTokens: data.usage?.output_tokens ?? 0 },
      model: data.model,
      responseId: data.id,
      limits: rateLimitsOf(response.headers)
    }
  })

  const image = Effect.fn("Ai.image")(function* (request: ImageRequest) {
    const model = request.model ?? options.imageModel
    const answer = yield* call(options.imageTimeout, (signal) =>
      client.images.generate(
        {
          model,
          prompt: request.prompt,
          size: request.size,
          n: 1,
          output_format: "png",
          safety_identifier: hideUser(request.user)
        },
        { signal, timeout: Duration.toMillis(options.imageTimeout) }
      )
    )
    const bytes = Buffer.from(answer?.data?.[0]?.b64_json ?? "", "base64")
    const mime = sniffMime(bytes)
    if (mime === undefined)
      return yield* fail(new InvalidJson({ detail: "the answer holds no PNG, JPEG or WebP image" }))
    return { bytes: new Uint8Array(bytes), mime, model } satisfies GeneratedImage
  })

  return Ai.of({ generate, image })
}

/** {@link Ai} over the OpenAI API with these settings. Opens no connection until the first call. */
export const layerOpenAi = (options: OpenAiOptions): Layer.Layer<Ai> => Layer.sync(Ai, () => makeOpenAi(options))
