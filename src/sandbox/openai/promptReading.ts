/**
 * Finds, in a request, the text the model is asked to work on. The post is what stands between
 * `<post>` tags, else the `text` of a JSON message, else the whole user message.
 */

type Part = { readonly type?: unknown; readonly text?: unknown }
type Message = { readonly role?: unknown; readonly content?: unknown }

const contentText = (content: unknown): string => {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  return (content as ReadonlyArray<Part>).map((part) => (typeof part?.text === "string" ? part.text : "")).join("\n")
}

/** The texts of all messages of a request (`input` of responses, `messages` of chat), oldest first. */
export const messagesOf = (input: unknown): ReadonlyArray<{ readonly role: string; readonly text: string }> => {
  if (typeof input === "string") return [{ role: "user", text: input }]
  if (!Array.isArray(input)) return []
  return (input as ReadonlyArray<Message>)
    .map((message) => ({
      role: typeof message?.role === "string" ? message.role : "user",
      text: contentText(message?.content)
    }))
    .filter((message) => message.text !== "")
}

const fromJson = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    const record = value as { readonly text?: unknown; readonly post?: { readonly text?: unknown } } | null
    if (typeof record?.text === "string") return record.text
    return typeof record?.post?.text === "string" ? record.post.text : undefined
  } catch {
    return undefined
  }
}

/** The post to rewrite: from the first user message that is not empty. */
export const sourcePostOf = (input: unknown): string => {
  const user = messagesOf(input).find((message) => message.role === "user")?.text ?? ""
  const tagged = /<(post|source|source_post)(?:\s[^>]*)?>([\s\S]*?)<\/\1>/i.exec(user)
  if (tagged?.[2] !== undefined && tagged[2].trim() !== "") return tagged[2].trim()
  return (user.trimStart().startsWith("{") ? fromJson(user) : undefined) ?? user.trim()
}

/**
 * About how many tokens a text has: a token is four Latin or two other letters. Rough, but it grows
 * with the text as the real count does.
 */
export const estimateTokens = (text: string): number => {
  const wide = (text.match(/[\u{250}-\u{10ffff}]/gu) ?? []).length
  return Math.ceil((text.length - wide) / 4 + wide / 2)
}
