/**
 * What is known of items, as CSV or JSON. The JSON is one object with an item on
 * each line, so that it can be read whole or line by line.
 */
import { Stream } from "effect"
import type { Listed } from "../../domain/export/Listing.ts"
import { makePlaces } from "../../domain/export/Places.ts"
import { csvHead, csvOf } from "../../services/exports/csv.ts"
import type { Plan, Requester } from "./selection.ts"
import type { Tally } from "./Tally.ts"
import { listedOf, walk } from "./walk.ts"

/** Lines that are made at once. */
const chunk = 256

const encoder = new TextEncoder()

const listed = (requester: Requester, plan: Plan, tally: Tally) => {
  const places = makePlaces()
  return walk(requester, plan, tally).pipe(
    // Every collection takes its place, but only what is asked for is described.
    Stream.map((item) => ({ matches: item.matches, about: listedOf(item, places) })),
    Stream.filter(({ matches }) => matches),
    Stream.map(({ about }) => about),
    Stream.grouped(chunk)
  )
}

export const csvBytes = (requester: Requester, plan: Plan, tally: Tally) =>
  Stream.concat(Stream.make(csvHead), Stream.map(listed(requester, plan, tally), csvOf)).pipe(
    Stream.map((text) => encoder.encode(text))
  )

const jsonOf = (items: ReadonlyArray<Listed>): string => items.map((item) => JSON.stringify(item)).join(",\n")

export const jsonBytes = (requester: Requester, plan: Plan, tally: Tally) => {
  const items = listed(requester, plan, tally).pipe(
    Stream.mapAccum(
      () => "",
      (between, some) => [",\n", [between + jsonOf(some)]] as const
    )
  )
  const tail = Stream.suspend(() => Stream.make(`\n],"skipped":${JSON.stringify(tally.skips)}}\n`))
  return Stream.concat(Stream.concat(Stream.make(`{"items":[\n`), items), tail).pipe(
    Stream.map((text) => encoder.encode(text))
  )
}
