/** All actors of Postroom. One that lacks what it needs is off, and says why. */
import { makeCollector } from "./collector/collector.ts"
import { makeContent } from "./content/content.ts"
import { makeBackfill, makeConverter } from "./converter/converter.ts"
import { makeExporter } from "./exporter/exporter.ts"
import { makeImagegen } from "./imagegen/imagegen.ts"
import { makePublisher } from "./publisher/publisher.ts"
import { makeRewriter } from "./rewriter/rewriter.ts"
import { makeTree } from "./tree/tree.ts"

/** Why a service cannot be used; null where it can. */
export interface Missing {
  readonly telegram: string | null
  readonly models: string | null
}

/** The actors of an installation. */
export const makeActors = (missing: Missing) => [
  makeCollector(null),
  makeRewriter(missing.models),
  makeImagegen(missing.models),
  makePublisher(missing.telegram),
  makeConverter(null),
  makeBackfill(null),
  makeTree(null),
  makeContent(null),
  makeExporter(null)
]

/** Names of the queues, in the order of the pipeline. */
export const queueNames = [
  "collector",
  "rewriter",
  "imagegen",
  "publisher",
  "converter",
  "backfill",
  "tree",
  "content",
  "exporter"
] as const
