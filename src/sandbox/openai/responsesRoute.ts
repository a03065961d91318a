/** `POST /v1/responses`: checks the request as OpenAI does and answers with a whole Response object. */
import type { AnswerShape } from "./answerText.ts"
import { answerText, spoil } from "./answerText.ts"
import type { FaultKind } from "./FaultScript.ts"
import type { ModelAnswer } from "./modelErrors.ts"
import { invalidParameter, missingParameter, modelError, unknownModel } from "./modelErrors.ts"
import { estimateTokens, messagesOf } from "./promptReading.ts"
import type { JsonSchema } from "./satisfySchema.ts"
import { strictModeProblem } from "./strictModeProblem.ts"

/** A decoded request body. */
export type RequestBody = { readonly [key: string]: unknown }

/** What a route knows besides the body. */
export interface RouteContext {
  /** Fault that shapes this answer. */
  readonly fault: FaultKind | undefined
  /** Hex, unique per request and derived from its content: ids are made of it. */
  readonly id: string
  /** Seconds since the epoch. */
  readonly now: number
  readonly knowsModel: (model: string) => boolean
  /** Tokens of input a model takes. */
  readonly contextTokens: number
}

const record = (value: unknown): RequestBody =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as RequestBody) : {}

const shapeOf = (body: RequestBody): AnswerShape | ModelAnswer => {
  const format = record(record(body["text"])["format"])
  if (format["type"] === "json_object") return { kind: "json" }
  if (format["type"] !== "json_schema") return { kind: "text" }
  const name = typeof format["name"] === "string" ? format["name"] : ""
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name))
    return invalidParameter("text.format.name", "expected 1-64 letters, digits, '_' or '-'")
  const problem = format["strict"] === true ? strictModeProblem(name, format["schema"]) : undefined
  if (problem !== undefined)
    return modelError(400, problem, { param: "text.format.schema", code: "invalid_json_schema" })
  return { kind: "schema", name, schema: record(format["schema"]) as JsonSchema }
}

const problemOf = (body: RequestBody, context: RouteContext): ModelAnswer | undefined => {
  const model = body["model"]
  if (typeof model !== "string" || model === "") return missingParameter("model")
  if (!context.knowsModel(model)) return unknownModel(model)
  if (body["input"] === undefined) return missingParameter("input")
  if (messagesOf(body["input"]).length === 0) return invalidParameter("input", "expected a text or a list of messages")
  if (body["stream"] === true) return invalidParameter("stream", "this server does not stream", "unsupported_value")
  const most = body["max_output_tokens"]
  if (most !== undefined && most !== null && !(Number.isInteger(most) && (most as number) >= 16))
    return invalidParameter(
      "max_output_tokens",
      `Expected a value >= 16, but got ${JSON.stringify(most)} instead`,
      "integer_below_min_value"
    )
  return undefined
}

const usageOf = (input: number, output: number) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: input + output
})

/** Answers one request. Never fails: a bad request is an answer too. */
export const answerResponses = (body: RequestBody, context: RouteContext): ModelAnswer => {
  const problem = problemOf(body, context)
  if (problem !== undefined) return problem
  const shape = shapeOf(body)
  if ("status" in shape) return shape
  const instructions = typeof body["instructions"] === "string" ? body["instructions"] : null
  const inputTokens =
    estimateTokens([instructions ?? "", ...messagesOf(body["input"]).map((message) => message.text)].join("\n")) + 8
  if (inputTokens > context.contextTokens)
    return modelError(
      400,
      "Your input exceeds the context window of this model. Please adjust your input and try again.",
      {
        param: "input",
        code: "context_length_exceeded"
      }
    )
  const most = typeof body["max_output_tokens"] === "number" ? body["max_output_tokens"] : null
  const full = spoil(context.fault, answerText(body["input"], shape))
  const cutAt =
    most !== null && estimateTokens(full) > most ? Math.floor((full.length * most) / estimateTokens(full)) : undefined
  const text = cutAt === undefined ? full : full.slice(0, cutAt)
  const incomplete =
    context.fault === "content_filter"
      ? "content_filter"
      : cutAt !== undefined || context.fault === "truncated"
        ? "max_output_tokens"
        : null
  const failed = context.fault === "failed_response"
  const status = failed ? "failed" : incomplete === null ? "completed" : "incomplete"
  const content =
    context.fault === "refusal"
      ? { type: "refusal", refusal: "I'm sorry, but I can't help with that request." }
      : { type: "output_text", text, annotations: [], logprobs: [] }
  const message = {
    id: `msg_${context.id}`,
    type: "message",
    role: "assistant",
    status: incomplete === null ? "completed" : "incomplete",
    content: [content]
  }
  return {
    status: 200,
    body: {
      id: `resp_${context.id}`,
      object: "response",
      created_at: context.now,
      status,
      background: false,
      completed_at: status === "completed" ? context.now : null,
      error: failed ? { code: "server_error", message: "The model failed to generate a response." } : null,
      incomplete_details: incomplete === null ? null : { reason: incomplete },
      instructions,
      max_output_tokens: most,
      max_tool_calls: null,
      model: body["model"],
      output: failed ? [] : [message],
      parallel_tool_calls: true,
      previous_response_id: null,
      prompt_cache_key: body["prompt_cache_key"] ?? null,
      reasoning: { effort: null, summary: null },
      safety_identifier: body["safety_identifier"] ?? null,
      service_tier: "default",
      store: body["store"] ?? true,
      temperature: 1,
      text: body["text"] ?? { format: { type: "text" } },
      tool_choice: "auto",
      tools: [],
      top_logprobs: 0,
      top_p: 1,
      truncation: "disabled",
      usage: usageOf(inputTokens, failed ? 0 : Math.max(1, estimateTokens(text))),
      user: null,
      metadata: body["metadata"] ?? {}
    }
  }
}
