/**
 * How long a text may be, counted as JSON Schema counts and with it whoever
 * reads our documents: in characters, not in the units of UTF-16, of which an
 * emoji has two. (JSON Schema Validation 2020-12, 6.3.1)
 */
import { Schema } from "effect"

/** Whether a text has at most `most` characters. */
export const hasAtMost = (text: string, most: number): boolean =>
  text.length <= most || (text.length <= 2 * most && [...text].length <= most)

/** At most so many characters. */
export const isMaxCharacters = (most: number) =>
  Schema.makeFilter<string>((text) => hasAtMost(text, most), {
    expected: `at most ${most} characters`,
    toJsonSchema: () => ({ maxLength: most }),
    arbitraryConstraint: { maxLength: most }
  })
