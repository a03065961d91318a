/** The description of the topics for those who are not Postroom: whole, and true. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { headersOf } from "../../src/domain/Envelope.ts"
import { deadLetterOf } from "../../src/runtime/DeadLetter.ts"
import { asyncApiOf } from "../../src/topics/asyncApi.ts"
import { topics } from "../../src/topics/index.ts"
import * as Topic from "../../src/topics/Topic.ts"

const document = asyncApiOf(topics, "1.2.3")

/** Every `$ref` in a document, and what stands where it points. */
const references = (root: unknown): ReadonlyArray<readonly [ref: string, target: unknown]> => {
  const found: Array<readonly [string, unknown]> = []
  JSON.stringify(root, (name, member: unknown) => {
    if (name === "$ref" && typeof member === "string")
      found.push([
        member,
        member
          .slice(2)
          .split("/")
          .reduce<any>((at, step) => at?.[step.replaceAll("~1", "/")], root)
      ])
    return member
  })
  return found
}

class Tree extends Schema.Class<Tree>("a/Tree")({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
}) {}

describe("the AsyncAPI document", () => {
  it("has every topic, its dead letters, and what both are written and read by", () => {
    const names = topics.flatMap(({ name }) => [name, Topic.deadLetterNameOf(name)])
    assert.deepStrictEqual(Object.keys(document.channels), names)
    for (const name of names) assert.property(document.operations, `send.${name}`)
    for (const { name } of topics) assert.property(document.operations, `receive.${name}`)
  })

  it("refers to nothing that is not there", () => {
    assert.isAtLeast(references(document).length, topics.length * 10)
    for (const [ref, target] of references(document)) assert.isDefined(target, ref)
  })

  it("takes along what a value's schema refers to, also to itself, under a name that a component may have", () => {
    const own = Topic.make({ name: "trees", type: "tree.grown", description: "A tree. Key: owner.", value: Tree })
    const document = asyncApiOf([own], "1.2.3")
    const schemas = Object.keys(document.components.schemas)
    assert.deepStrictEqual(schemas.length > 1 && schemas.filter((name) => !/^[\w.-]+$/.test(name)), [])
    const inner = references(document).filter(([ref]) => ref.includes("tree.grown.") && ref.includes("/schemas/"))
    assert.isAbove(inner.length, 1)
    for (const [ref, target] of inner) assert.isDefined(target, ref)
    assert.notInclude(JSON.stringify(document), "#/definitions")
  })

  it("describes every header that Postroom writes", () => {
    const { cloudEvent } = document.components.schemas as { cloudEvent: { properties: object } }
    const headers = headersOf({
      id: "i",
      type: "t",
      source: "s",
      time: 0,
      flow: "f",
      priority: "low",
      traceparent: "00-0"
    })
    assert.sameMembers(Object.keys(headers), Object.keys(cloudEvent.properties))
    const letter = deadLetterOf({
      task: "t",
      queue: "q",
      topic: "x",
      partition: 0,
      offset: 0,
      queuedAt: 0,
      attempts: 1,
      record: { key: null, value: null, headers: {} },
      reason: "",
      detail: null
    })
    const failed = document.components.messages["source.due.failed"] as {
      headers: { allOf: ReadonlyArray<{ properties?: object }> }
    }
    const described = failed.headers.allOf.flatMap(({ properties }) => Object.keys(properties ?? {}))
    assert.sameMembers(Object.keys(letter.headers), ["ce_id", ...described])
  })
})
