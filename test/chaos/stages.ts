/** The actors of an installation under a drill: every process of it knows the same. */
import { makeImagegen } from "../../src/actors/imagegen/imagegen.ts"
import { makePublisher } from "../../src/actors/publisher/publisher.ts"
import { makeRewriter } from "../../src/actors/rewriter/rewriter.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import type { Ai } from "../../src/services/ai/Ai.ts"
import type { Blobs } from "../../src/services/blobs/Blobs.ts"
import type { Images } from "../../src/services/images/Images.ts"
import type { TelegramGateway } from "../../src/services/telegram/TelegramGateway.ts"
import { chaosActors } from "./actors.ts"
import type { ChaosPlace, DrillPlace } from "./DrillPlace.ts"

/** Those that write and illustrate only where there are authors. */
export const stagesOf = (
  place: DrillPlace & Partial<ChaosPlace>
): ReadonlyArray<Actor<Ai | Blobs | Images | TelegramGateway>> => {
  const off = (place.authors ?? 0) === 0 ? "nobody writes in this drill" : null
  return [makePublisher(null), makeRewriter(off), makeImagegen(off), ...chaosActors(place.records)]
}
