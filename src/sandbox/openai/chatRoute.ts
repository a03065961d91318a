/** `POST /v1/chat/completions`, the older surface: enough for gateways and clients that probe it. */
import type { AnswerShape } from "./answerText.ts"
import { answerText, spoil } from "./answerText.ts"
import type { ModelAnswer } from "./modelErrors.ts"
import { invalidParameter, missingParameter, modelError, unknownModel } from "./modelErrors.ts"
import { estimateTokens, messagesOf } from "./promptReading.ts"
import type { RequestBody, RouteContext } from "./responsesRoute.ts"
import type { JsonSchema } from "./satisfySchema.ts"
import { strictModeProblem } from "./strictModeProblem.ts"

interface ResponseFormat {
  readonly type?: unknown
  readonly json_schema?: { readonly name?: unknown; readonly strict?: unknown; readonly schema?: unknown }
}

/** Answers one request with a chat completion of one choice. */
export const answerChat = (body: RequestBody, context: RouteContext): ModelAnswer => {
  const model = body["model"]
  if (typeof model !== "string" || model === "") return missingParameter("model")
  if (!context.knowsModel(model)) return unknownModel(model)
  const messages = messagesOf(body["messages"])
  if (messages.length === 0) return missingParameter("messages")
  if (body["stream"] === true) return invalidParameter("stream", "this server does not stream", "unsupported_value")
  const format = (body["response_format"] ?? {}) as ResponseFormat
  const name = typeof format.json_schema?.name === "string" ? format.json_schema.name : "answer"
  const problem = format.json_schema?.strict === true ? strictModeProblem(name, format.json_schema.schema) : undefined
  if (problem !== undefined) return modelError(400, problem, { param: "response_format" })
  const shape: AnswerShape =
    format.type === "json_schema"
      ? { kind: "schema", name, schema: (format.json_schema?.schema ?? {}) as JsonSchema }
      : { kind: format.type === "json_object" ? "json" : "text" }
  const text = spoil(context.fault, answerText(body["messages"], shape))
  const refusal = context.fault === "refusal" ? "I'm sorry, but I can't help with that request." : null
  const promptTokens = messages.reduce((sum, message) => sum + estimateTokens(message.text) + 4, 0)
  const completionTokens = Math.max(1, estimateTokens(text))
  return {
    status: 200,
    body: {
      id: `chatcmpl-${context.id}`,
      object: "chat.completion",
      created: context.now,
      model,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: refusal === null ? text : null, refusal, annotations: [] },
          logprobs: null,
          finish_reason:
            context.fault === "truncated" ? "length" : context.fault === "content_filter" ? "content_filter" : "stop"
        }
      ],
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0
        }
      },
      service_tier: "default"
    }
  }
}
