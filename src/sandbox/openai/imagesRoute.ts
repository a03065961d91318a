/** `POST /v1/images/generations`: real pictures of the asked size, the same for the same prompt. */
import { drawImage } from "../world/drawScene.ts"
import { subjectOf } from "../world/sceneSvg.ts"
import type { ModelAnswer } from "./modelErrors.ts"
import { invalidParameter, missingParameter, modelError, unknownModel } from "./modelErrors.ts"
import { estimateTokens } from "./promptReading.ts"
import type { RequestBody, RouteContext } from "./responsesRoute.ts"

/** Words for which the sandbox's moderation refuses a prompt. */
const blocked = /\b(?:gore|beheading|nude)\b|расчлен/iu

const formats = ["png", "jpeg", "webp"] as const

type Size = { readonly width: number; readonly height: number }

/** Multiples of 16, sides 256–3840, ratio up to 3:1; `auto` is a square. Undefined when a size is not allowed. */
const sizeOf = (value: unknown): Size | undefined => {
  if (value === undefined || value === null || value === "auto") return { width: 1024, height: 1024 }
  const match = typeof value === "string" ? /^(\d{2,4})x(\d{2,4})$/.exec(value) : null
  const [width, height] = [Number(match?.[1]), Number(match?.[2])]
  const allowed = (side: number) => side % 16 === 0 && side >= 256 && side <= 3840
  return match !== null && allowed(width) && allowed(height) && Math.max(width, height) <= 3 * Math.min(width, height)
    ? { width, height }
    : undefined
}

/** Answers one request with base64 pictures, as GPT image models always do. */
export const answerImages = async (body: RequestBody, context: RouteContext): Promise<ModelAnswer> => {
  const model = body["model"] ?? "gpt-image-2.5-flare"
  if (typeof model !== "string" || !context.knowsModel(model)) return unknownModel(String(model))
  const prompt = body["prompt"]
  if (typeof prompt !== "string" || prompt.trim() === "") return missingParameter("prompt")
  if (prompt.length > 32_000)
    return invalidParameter("prompt", "expected a string with maximum length 32000", "string_above_max_length")
  if (body["response_format"] !== undefined)
    return modelError(400, "Unknown parameter: 'response_format'.", {
      param: "response_format",
      code: "unknown_parameter"
    })
  const size = sizeOf(body["size"])
  if (size === undefined) return invalidParameter("size", `'${String(body["size"])}' is not supported`)
  const format = formats.find((name) => name === (body["output_format"] ?? "png"))
  if (format === undefined) return invalidParameter("output_format", "supported values are 'png', 'jpeg' and 'webp'")
  const count = body["n"] ?? 1
  if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > 10)
    return invalidParameter("n", "expected an integer from 1 to 10")
  if (blocked.test(prompt))
    return modelError(
      400,
      "Your request was rejected by the safety system. If you believe this is an error, contact support.",
      {
        type: "image_generation_user_error",
        code: "moderation_blocked"
      }
    )
  const data: Array<{ readonly b64_json: string }> = []
  for (let i = 0; i < (count as number); i++) {
    const seed = i === 0 ? prompt : `${prompt} #${i}`
    const bytes = await drawImage({ subject: subjectOf(prompt), ...size, seed }, format)
    data.push({ b64_json: Buffer.from(bytes).toString("base64") })
  }
  const inputTokens = estimateTokens(prompt)
  const outputTokens = Math.ceil((size.width * size.height) / 1024) * data.length
  return {
    status: 200,
    body: {
      created: context.now,
      background: "opaque",
      data,
      output_format: format,
      quality: "medium",
      size: `${size.width}x${size.height}`,
      usage: {
        input_tokens: inputTokens,
        input_tokens_details: { image_tokens: 0, text_tokens: inputTokens },
        output_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens
      }
    }
  }
}
