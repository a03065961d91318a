/**
 * V8 learns in the first seconds which objects live long, and makes those of
 * later calls in the old heap at once. Of a start under load it learns that
 * requests do: from then on every dead request keeps the young ones it points
 * to alive, until the whole heap is collected. At 5,000 requests/s that was
 * twice the memory and a stop of 10 ms four times a second, in every other run.
 */
import { Effect, Layer } from "effect"
import * as v8 from "node:v8"

/** Has the objects of requests made where they die young, for as long as the process runs. */
export const layerYoungRequests = Layer.effectDiscard(
  Effect.sync(() => v8.setFlagsFromString("--no-allocation-site-pretenuring"))
)
