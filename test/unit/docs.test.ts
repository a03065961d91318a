import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import * as path from "node:path"
import { queueNames } from "../../src/actors/index.ts"
import { version } from "../../src/cli/version.ts"
import { envExample } from "../../src/config/example.ts"
import { asyncApiOf } from "../../src/topics/asyncApi.ts"
import { topics } from "../../src/topics/index.ts"

const root = path.join(import.meta.dirname, "..", "..")
const read = (file: string) => readFileSync(path.join(root, file), "utf8")

describe("documents", () => {
  it(".env.example is what src/config says (npm run docs writes it)", () => {
    assert.strictEqual(read(".env.example"), envExample(queueNames))
  })

  it("docs/asyncapi.json is what src/topics says (npm run docs writes it)", () => {
    assert.strictEqual(read("docs/asyncapi.json"), `${JSON.stringify(asyncApiOf(topics, version), null, 2)}\n`)
  })

  it("every npm script and file the README and CONTRIBUTING name exists", () => {
    const scripts = (JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts
    for (const document of ["README.md", "CONTRIBUTING.md"]) {
      const text = read(document)
      for (const [, script] of text.matchAll(/npm run ([a-z:]+)/g)) assert.property(scripts, script!, document)
      for (const [, file] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
        assert.isTrue(existsSync(path.join(root, file!)), `${document}: ${file}`)
    }
  })

  it("every test that docs/reliability/KAFKA.md names exists", () => {
    const tests = readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" })
    const texts = tests
      .filter((file) => file.endsWith(".ts"))
      .map((file) => read(path.join("test", file)))
      .flatMap((text) => ["Kafka", "Postgres"].map((where) => text.replaceAll("${where}", where)))
      .join("\n")
    const document = read("docs/reliability/KAFKA.md")
    const names = [...document.matchAll(/“([^”]+)”/g)].map(([, name]) => name!)
    assert.isAbove(names.length, 100)
    // An ellipsis stands for what is left out.
    for (const part of names.flatMap((name) => name.split("…"))) assert.include(texts, part.trim(), part)
    for (const [, file] of document.matchAll(/`((?:unit|integration|contract)\/[\w.]+\.ts)`/g))
      assert.isTrue(existsSync(path.join(root, "test", file!)), file)
  })
})
