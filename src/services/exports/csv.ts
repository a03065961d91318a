/**
 * CSV by RFC 4180, in UTF-8: lines end in CRLF, and what begins like a formula
 * (= + - @, tabs) gets an apostrophe before it, for a spreadsheet would run it
 * (CWE-1236). Numbers stay numbers.
 */
import { stringify } from "csv-stringify/sync"
import { cellsOf, columns } from "../../domain/export/Listing.ts"
import type { Listed } from "../../domain/export/Listing.ts"

const lines = (rows: ReadonlyArray<ReadonlyArray<unknown>>): string =>
  stringify([...rows], {
    record_delimiter: "\r\n",
    escape_formulas: true,
    // By itself it quotes what holds the whole delimiter; readers end a line at either half of it too.
    quoted_match: /[\r\n]/
  })

/** The line that names the columns. */
export const csvHead: string = lines([columns])

/** The lines of some items. */
export const csvOf = (items: ReadonlyArray<Listed>): string => lines(items.map(cellsOf))
