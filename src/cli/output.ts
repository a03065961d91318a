/** What commands print: tables for people, JSON for machines, colours only on a terminal. */
import { styleText } from "node:util"

type Style = Parameters<typeof styleText>[0]

/** Text in a colour or weight, where stdout is a terminal that shows it. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

const colours: Readonly<Record<string, Style>> = {
  succeeded: "green",
  failed: "red",
  invalid: "red",
  cancelled: "yellow",
  in_progress: "cyan"
}

/** A status in its colour. */
export const status = (name: string): string => (colours[name] === undefined ? name : styled(colours[name], name))

/** Writes a line to stdout. */
export const line = (text: string): void => void process.stdout.write(`${text}\n`)

/** Writes a value as one line of JSON. */
export const jsonLine = (value: unknown): void => line(JSON.stringify(value))

// eslint-disable-next-line no-control-regex
const codes = /\u001B\[[0-9;]*m/g
const widthOf = (cell: string): number => cell.replaceAll(codes, "").length

/** Rows under headings, columns as wide as their widest cell. */
export const table = (headings: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => widthOf(row[i] ?? ""))))
  const print = (cells: ReadonlyArray<string>) =>
    line(
      cells
        .map((cell, i) => cell + " ".repeat(Math.max(0, widths[i]! - widthOf(cell))))
        .join("  ")
        .trimEnd()
    )
  print(headings.map((heading) => styled("bold", heading)))
  for (const row of rows) print(row)
}

/** A time as people read it. */
export const when = (time: number | string | null): string =>
  time === null ? "" : new Date(time).toISOString().replace("T", " ").slice(0, 19)

/** The first `length` characters, with an ellipsis where some were cut. */
export const short = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`

/** A bar that is redrawn in place on a terminal, and silent elsewhere. */
export const progressBar = (total: number) => {
  const isShown = process.stderr.isTTY === true
  const width = 30
  return {
    update: (done: number, note: string) => {
      if (!isShown) return
      const filled = total === 0 ? width : Math.round((done / total) * width)
      process.stderr.write(`\r${"█".repeat(filled)}${"░".repeat(width - filled)} ${done}/${total} ${note}\u001B[K`)
    },
    end: () => {
      if (isShown) process.stderr.write("\r\u001B[K")
    }
  }
}
