/**
 * How fast pictures become preview and thumbnail, without topic, journal and store around it: synthetic
 * photographs of 12 megapixels (4032×3024, about 2.9 MB) through the child processes.
 *
 *   node bench/convert-raw.ts [pictures] [processes]
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Images } from "../src/services/images/Images.ts"
import { layerSharpImages } from "../src/services/images/SharpImages.ts"
import { syntheticPhoto } from "../test/support/photos.ts"

const [, , pictures = "200", processes = String(os.availableParallelism())] = process.argv
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "postroom-bench-"))

/** CPU time of all our ended and waited-for children and their memory peak, in seconds and MB. */
const cpuOfChildren = (): number =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const fields = fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? []
        return Number(fields[1]) === process.pid ? (Number(fields[11]) + Number(fields[12])) / 100 : 0
      } catch {
        return 0
      }
    })
    .reduce((sum, seconds) => sum + seconds, 0)

const bench = Effect.gen(function* () {
  const inputs = yield* Effect.promise(() =>
    Promise.all(
      Array.from({ length: 6 }, async (_, seed) => {
        const input = path.join(folder, `${seed}.jpg`)
        fs.writeFileSync(input, await syntheticPhoto({ width: 4_032, height: 3_024, seed }))
        return input
      })
    )
  )
  const megabytes = inputs.map((input) => fs.statSync(input).size / 1e6)
  const images = yield* Images
  const convert = (index: number) =>
    Effect.map(images.convert({ input: inputs[index % inputs.length] ?? "", directory: folder }), (converted) => {
      fs.rmSync(converted.preview.path)
      fs.rmSync(converted.thumbnail.path)
      return converted
    })
  const all = (count: number) =>
    Effect.forEach(Array.from({ length: count }).keys(), convert, { concurrency: "unbounded" })
  yield* all(10)
  const cpuBefore = cpuOfChildren()
  const ownBefore = process.cpuUsage()
  const begun = performance.now()
  const results = yield* all(Number(pictures))
  const seconds = (performance.now() - begun) / 1_000
  const cpu = cpuOfChildren() - cpuBefore
  const own = process.cpuUsage(ownBefore)
  const perPicture = (total: number) => Math.round((total / results.length) * 10) / 10
  console.log(
    JSON.stringify({
      pictures: results.length,
      inputMegabytes: megabytes.map((size) => Math.round(size * 100) / 100),
      preview: results[0]?.preview,
      thumbnail: results[0]?.thumbnail,
      picturesPerSecond: Math.round((results.length / seconds) * 10) / 10,
      cpuMillisPerPicture: perPicture(cpu * 1_000),
      ownCpuMillisPerPicture: perPicture((own.user + own.system) / 1_000)
    })
  )
})

await Effect.runPromise(bench.pipe(Effect.provide(layerSharpImages({ processes: Number(processes) }))))
fs.rmSync(folder, { recursive: true })
