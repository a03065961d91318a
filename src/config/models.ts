/** The language and image models. */
import { secret, text, time } from "./Setting.ts"

export const openAiKey = secret({
  key: "OPENAI_API_KEY",
  about:
    "Key of the OpenAI API. Without it `npm start` uses the sandbox, and `postroom start` switches rewriter and imagegen off.",
  shape: "a key",
  example: "sk-..."
})

export const openAiUrl = text({
  key: "OPENAI_BASE_URL",
  about: "Address of an OpenAI-compatible API, version included.",
  shape: "an http(s) address",
  example: "http://127.0.0.1:4000/v1",
  fallback: "https://api.openai.com/v1"
})

export const openAiModel = text({
  key: "OPENAI_MODEL",
  about: "Model that rewrites posts.",
  shape: "a model's name",
  example: "gpt-5-mini",
  fallback: "gpt-5-mini"
})

export const openAiImageModel = text({
  key: "OPENAI_IMAGE_MODEL",
  about: "Model that draws images.",
  shape: "a model's name",
  example: "gpt-image-2.5-flare",
  fallback: "gpt-image-2.5-flare"
})

export const openAiTimeout = time({
  key: "OPENAI_TIMEOUT",
  about: "How long a text may take.",
  fallback: "30 seconds"
})

export const openAiImageTimeout = time({
  key: "OPENAI_IMAGE_TIMEOUT",
  about: "How long an image may take.",
  fallback: "180 seconds"
})

export const userSecret = secret({
  key: "USER_SECRET",
  about: "Key of the HMAC that stands for a user towards the models' provider. Without it, one is made at each start.",
  shape: "a long random text",
  example: "8f1c0b6e5d7a4a53"
})
