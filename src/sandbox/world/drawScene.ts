/**
 * Renders scenes to real image files. A faint grain from the seed makes the files as incompressible
 * as photos are, so sizes and decoders behave as with real ones.
 */
import sharp from "sharp"
import type { Scene } from "./sceneSvg.ts"
import { sceneSvg } from "./sceneSvg.ts"
import { seededRandom } from "./SeededRandom.ts"

const grainSide = 128

const grain = (seed: string): Buffer => {
  const random = seededRandom(`grain ${seed}`)
  const pixels = Buffer.alloc(grainSide * grainSide * 4)
  for (let i = 0; i < pixels.length; i += 4) {
    const value = random.next() < 0.5 ? 0 : 255
    pixels.fill(value, i, i + 3)
    pixels[i + 3] = Math.floor(random.next() * 22)
  }
  return pixels
}

const render = (scene: Scene) =>
  sharp(Buffer.from(sceneSvg(scene))).composite([
    { input: grain(scene.seed), raw: { width: grainSide, height: grainSide, channels: 4 }, tile: true }
  ])

/** The scene as a baseline JPEG of the scene's size. */
export const drawJpeg = (scene: Scene): Promise<Uint8Array> =>
  render(scene)
    .removeAlpha()
    .jpeg({ quality: 84 })
    .toBuffer()
    .then((bytes) => new Uint8Array(bytes))

/** The scene as an image file of the given format, e.g. what an image model answers with. */
export const drawImage = (scene: Scene, format: "png" | "jpeg" | "webp"): Promise<Uint8Array> =>
  render(scene)
    .removeAlpha()
    .toFormat(
      format,
      format === "png" ? { compressionLevel: 6, palette: true, quality: 80, effort: 1 } : { quality: 84 }
    )
    .toBuffer()
    .then((bytes) => new Uint8Array(bytes))
