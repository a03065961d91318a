/** Converts `input.jpg` in the folder of its argument over and over; says `busy` after the first two and is to be killed. */
import { Effect } from "effect"
import * as path from "node:path"
import { Images } from "../../src/services/images/Images.ts"
import { layerSharpImages } from "../../src/services/images/SharpImages.ts"

const directory = process.argv[2] ?? ""
const convert = Images.use((images) => images.convert({ input: path.join(directory, "input.jpg"), directory }))
const both = Effect.all([convert, convert], { concurrency: 2, discard: true })

await Effect.runPromise(
  both.pipe(
    Effect.andThen(Effect.sync(() => console.log("busy"))),
    Effect.andThen(Effect.forever(both)),
    Effect.provide(layerSharpImages({ processes: 2 }))
  )
)
