/**
 * What others take for the same two pictures of a photograph of 12 megapixels (a preview of 1344 and a thumbnail of
 * 384 pixels, JPEG of quality 80), each in one process without store or queue around it.
 *
 *   node bench/peers/convert.ts [photographs]
 *
 * Pillow takes part where PILLOW_PYTHON names a Python that has it.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import sharp from "sharp"
import { syntheticPhoto } from "../../test/support/photos.ts"

const count = Number(process.argv[2] ?? "100")
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "postroom-bench-"))
const inputs = await Promise.all(
  Array.from({ length: 6 }, async (_, seed) => {
    const file = path.join(folder, `${seed}.jpg`)
    fs.writeFileSync(file, await syntheticPhoto({ width: 4_032, height: 3_024, seed }))
    return file
  })
)

/** Two pipelines that know nothing of each other, as most programs do it. */
const twoPipelines = async (input: string): Promise<void> => {
  const of = (edge: number) =>
    sharp(input)
      .rotate()
      .resize(edge, edge, { fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 80 })
      .toFile(path.join(folder, `${edge}.out.jpg`))
  await of(1_344)
  await of(384)
}

const measured = async (peer: string, run: () => Promise<void>) => {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await run()
  const { user, system } = process.cpuUsage(cpu)
  const cpuMsPerImage = Math.round((user + system) / 100 / count) / 10
  const seconds = Math.round((performance.now() - begun) / 10) / 100
  console.log(JSON.stringify({ peer, images: count, cpuMsPerImage, seconds }))
}

sharp.concurrency(1)
sharp.cache(false)
await measured(`two pipelines of sharp ${sharp.versions.sharp}`, async () => {
  for (let n = 0; n < count; n++) await twoPipelines(inputs[n % inputs.length]!)
})
const python = process.env["PILLOW_PYTHON"]
if (python !== undefined) {
  const script = fileURLToPath(new URL("pillow.py", import.meta.url))
  spawnSync(python, [script, folder, String(count)], { stdio: ["ignore", "inherit", "inherit"] })
}
fs.rmSync(folder, { recursive: true })
