/** The queue that fuzzing feeds: a schema with every kind of part, a handler that only says what it was given. */
import { Effect, Schema } from "effect"
import { isMaxCharacters } from "../../src/domain/characters.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import * as Topic from "../../src/topics/Topic.ts"

interface Tree {
  readonly label: string
  readonly branches?: ReadonlyArray<Tree>
}

const Tree = Schema.Struct({
  label: Schema.String,
  branches: Schema.optionalKey(Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree)))
})

const Contents = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("letter"), text: Schema.String.check(isMaxCharacters(100)) }),
  Schema.Struct({
    kind: Schema.Literal("box"),
    grams: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999 }))
  })
])

export const parcels = Topic.make({
  name: "parcels",
  type: "parcel",
  description: "Something of every shape. Key: user.",
  value: Schema.Struct({
    n: Schema.Int,
    contents: Schema.optionalKey(Contents),
    stamps: Schema.optionalKey(Schema.Array(Schema.Finite).check(Schema.isMaxLength(5))),
    notes: Schema.optionalKey(Schema.Record(Schema.String, Schema.NullOr(Schema.String))),
    fragile: Schema.optionalKey(Schema.Boolean),
    tree: Schema.optionalKey(Tree),
    rest: Schema.optionalKey(Schema.Unknown)
  })
})

export const parcel = Actor.make({
  name: "parcel",
  topic: parcels,
  handler: ({ n, rest }) => Effect.succeed(rest === undefined ? { n } : { n, rest })
})
