/**
 * What is made of a picture: sizes and qualities, and the size at which making it costs least. Pure:
 * the same recipe and the same bytes give the same files wherever the decoder has the same version.
 */
import { createHash } from "node:crypto"

/** Sizes are long edges in pixels, qualities JPEG's 1–100. */
export interface Recipe {
  readonly version: number
  readonly previewEdge: number
  /** The preview may be this much smaller than asked for where that saves a full decode (1: never). */
  readonly previewTolerance: number
  readonly previewQuality: number
  readonly thumbnailEdge: number
  readonly thumbnailQuality: number
  /** So many frames of an animation move in its preview, which is a WebP then; 0 and 1: it stands still. */
  readonly animatedFrames: number
}

/**
 * The recipe in use. Derivatives are kept per recipe: a change of any field makes them anew, and so does a new
 * version, where the same fields have come to mean something else.
 */
export const currentRecipe: Recipe = {
  version: 3,
  previewEdge: 1440,
  previewTolerance: 0.92,
  previewQuality: 80,
  thumbnailEdge: 384,
  thumbnailQuality: 80,
  animatedFrames: 0
}

/** A short name of the recipe: what is kept of a picture is kept under its hash and this. */
export const recipeId = (recipe: Recipe): string =>
  createHash("sha256")
    .update(JSON.stringify(Object.entries(recipe).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest("hex")
    .slice(0, 16)

/** From these ratios on libjpeg decodes at 1/2, 1/4 and 1/8: a ratio just below one decodes all pixels instead. */
const shrinkSteps = [3, 5, 9]

/**
 * The long edge of the preview of a picture whose own is `longEdge`: never more than that, and, for JPEG,
 * the size next below the target that decodes in the next cheaper way, if the tolerance allows
 * (12 megapixels: 1344 instead of 1440, at 0.7 of the CPU time).
 */
export const previewEdgeFor = (longEdge: number, format: string, recipe: Recipe): number => {
  const target = Math.min(recipe.previewEdge, longEdge)
  if (format !== "jpeg") return target
  const step = shrinkSteps.find((ratio) => longEdge / target < ratio)
  if (step === undefined) return target
  const cheaper = Math.floor(longEdge / step)
  return cheaper >= target * recipe.previewTolerance ? cheaper : target
}
