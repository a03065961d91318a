import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { dHashDistance } from "../../src/services/images/Images.ts"
import { previewEdgeFor, recipeId, currentRecipe } from "../../src/services/images/Recipe.ts"

describe("the recipe of derivatives", () => {
  it("a 12 megapixel JPEG gets the preview that decodes at half size", () => {
    assert.strictEqual(previewEdgeFor(4_032, "jpeg", currentRecipe), 1_344)
  })

  it("the preview stays at its target where a cheaper size would be too small, and for formats without one", () => {
    assert.strictEqual(previewEdgeFor(3_900, "jpeg", currentRecipe), 1_440)
    assert.strictEqual(previewEdgeFor(6_000, "jpeg", currentRecipe), 1_440)
    assert.strictEqual(previewEdgeFor(4_032, "png", currentRecipe), 1_440)
    assert.strictEqual(previewEdgeFor(20_000, "jpeg", currentRecipe), 1_440)
  })

  it("a larger picture is snapped at the next steps too", () => {
    assert.strictEqual(previewEdgeFor(7_000, "jpeg", currentRecipe), 1_400)
    assert.strictEqual(previewEdgeFor(12_500, "jpeg", currentRecipe), 1_388)
  })

  it.prop(
    "no preview is larger than the picture or its target, nor smaller than the tolerance allows",
    { edge: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 })), jpeg: Schema.Boolean },
    ({ edge, jpeg }) => {
      const preview = previewEdgeFor(edge, jpeg ? "jpeg" : "webp", currentRecipe)
      const target = Math.min(edge, currentRecipe.previewEdge)
      assert.isAtMost(preview, target)
      assert.isAtLeast(preview, Math.min(target, Math.floor(target * currentRecipe.previewTolerance)))
    }
  )

  it("the name of a recipe depends on its fields, not on their order", () => {
    const reversed = Object.fromEntries(Object.entries(currentRecipe).reverse()) as unknown as typeof currentRecipe
    assert.strictEqual(recipeId(reversed), recipeId(currentRecipe))
    assert.notStrictEqual(recipeId({ ...currentRecipe, previewQuality: 81 }), recipeId(currentRecipe))
  })

  it("the distance of two difference hashes is the number of differing bits", () => {
    assert.strictEqual(dHashDistance("00000000000000ff", "00000000000000f0"), 4)
    assert.strictEqual(dHashDistance("ffffffffffffffff", "0000000000000000"), 64)
    assert.strictEqual(dHashDistance("8000000000000001", "8000000000000001"), 0)
  })
})
