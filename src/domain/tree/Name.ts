/** Names in the tree: of items, which people read and search, and of users, who own items and see them. */
import { Schema } from "effect"
import { hasAtMost, isMaxCharacters } from "../characters.ts"

const wellFormed = Schema.makeFilter((text: string) =>
  text.isWellFormed() ? undefined : "holds half of a surrogate pair"
)

/** The name of an item; siblings may share one, as photographs do. */
export const ItemName = Schema.String.check(
  Schema.isMinLength(1),
  isMaxCharacters(500),
  // oxlint-disable-next-line no-control-regex -- NUL as other readers of JSON Schema write it
  Schema.isPattern(/^[^\x00]*$/u, { message: "must not contain NUL" }),
  wellFormed
)

/** Bytes of an owner's longest name. Tasks show more of a key, so that one that goes on behind it is known as no owner's. */
const longestUser = 199

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/** Whether a record's key, as its task shows it, is the whole name of an owner. */
export const isWholeOwner = (user: string): boolean => user !== "" && bytesOf(user) <= longestUser

/** No URL can name a dot segment, and Postgres cannot hold NUL: neither could be asked for again. */
// oxlint-disable-next-line no-control-regex -- NUL as other readers of JSON Schema write it
export const isPathPart = Schema.isPattern(/^(?:[^.\x00][^\x00]*|\.[^.\x00][^\x00]*|\.\.[^\x00]+)?$/u, {
  message: "must not contain NUL, nor be . or .."
})

/** A user of the tree. */
export const UserName = Schema.String.check(
  Schema.isMinLength(1),
  isMaxCharacters(longestUser),
  isPathPart,
  // What has too many characters is told that already.
  Schema.makeFilter((text: string) =>
    !hasAtMost(text, longestUser) || bytesOf(text) <= longestUser
      ? undefined
      : `must have at most ${longestUser} bytes in UTF-8`
  ),
  wellFormed
)

/** Users as one request may name them. */
export const Viewers = Schema.Array(UserName).check(Schema.isMaxLength(1_000))

const longestWord = 100

/** The words by which a name is found: runs of letters and digits, in one case. */
export const wordsOf = (text: string): ReadonlyArray<string> => [
  ...new Set(
    (
      text
        .normalize("NFKC")
        .toLowerCase()
        .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
    ).map((word) => [...word].slice(0, longestWord).join(""))
  )
]
