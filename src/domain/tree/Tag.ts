/**
 * A tag as it is kept and compared: one spelling for all that differ only in
 * case, in surrounding blanks, or in how their accents are encoded.
 */
import { Schema } from "effect"
import { isMaxCharacters } from "../characters.ts"

/** The kept spelling of a tag. */
export const tagOf = (text: string): string => text.normalize("NFC").trim().toLowerCase()

/** A tag as somebody writes it: not empty, no control characters, and no comma, which separates tags in a query. */
const Tag = Schema.String.check(
  isMaxCharacters(100),
  // oxlint-disable-next-line no-control-regex -- control characters as other readers of JSON Schema write them
  Schema.isPattern(/^[^\x00-\x1f\x7f-\x9f,]*[^\x00-\x1f\x7f-\x9f,\s][^\x00-\x1f\x7f-\x9f,]*$/u, {
    message: "must have a visible character, and neither comma nor control characters"
  }),
  Schema.makeFilter((text: string) => (text.isWellFormed() ? undefined : "holds half of a surrogate pair"))
)

/** The kept spellings of `tags`, each once. */
export const tagsOf = (tags: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(tags.map(tagOf))]

/** Tags as one request may name them. */
export const Tags = Schema.Array(Tag).check(Schema.isMaxLength(100))
