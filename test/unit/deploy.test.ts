/** What a container is given: secrets as files, and settings that Postroom knows. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as path from "node:path"
import { queueNames } from "../../src/actors/index.ts"
import { secrets, secretsOf } from "../../deploy/secrets.ts"

const root = path.join(import.meta.dirname, "..", "..")
const read = (file: string) => readFileSync(path.join(root, file), "utf8")
const files: Readonly<Record<string, string>> = { "/run/key": "sk-1\n", "/run/password": "p@ss/w:rd?#%\n" }
const readFile = (file: string): string => {
  if (files[file] === undefined) throw new Error(`no such file: ${file}`)
  return files[file]
}

describe("secrets of a container", () => {
  it("come from the files that the environment names, without the line's end", () => {
    assert.deepStrictEqual(secretsOf({ OPENAI_API_KEY_FILE: "/run/key", HOME: "/" }, readFile), {
      OPENAI_API_KEY: "sk-1"
    })
    assert.deepStrictEqual(secretsOf({ OPENAI_API_KEY_FILE: "", PROFILE_FILE: "/elsewhere" }, readFile), {})
  })

  it("a password goes into the database's address whatever it is made of", () => {
    const { DATABASE_URL } = secretsOf(
      { DATABASE_URL: "postgresql://postroom@postgres/postroom", DATABASE_PASSWORD_FILE: "/run/password" },
      readFile
    )
    const address = new URL(DATABASE_URL!)
    assert.strictEqual(decodeURIComponent(address.password), "p@ss/w:rd?#%")
    assert.strictEqual(address.username, "postroom")
    assert.strictEqual(address.host + address.pathname, "postgres/postroom")
  })

  it("stop the start where a file is missing, a value is given twice, or a password has no address", () => {
    assert.throws(() => secretsOf({ USER_SECRET_FILE: "/run/nothing" }, readFile), /no such file/)
    assert.throws(() => secretsOf({ USER_SECRET: "x", USER_SECRET_FILE: "/run/key" }, readFile), /both USER_SECRET/)
    assert.throws(() => secretsOf({ DATABASE_PASSWORD_FILE: "/run/password" }, readFile), /needs a DATABASE_URL/)
  })

  it("are all that src/config takes for a secret", () => {
    const config = ["storage", "kafka", "models", "telegram"].map((file) => read(`src/config/${file}.ts`)).join("")
    const keys = [...config.matchAll(/secret\(\{\s+key: "([A-Z_]+)"/g)].map(([, key]) => key)
    assert.isAbove(keys.length, 4)
    assert.sameMembers([...secrets], ["DATABASE_PASSWORD", ...keys])
  })
})

describe("docker-compose.yml", () => {
  it("has a worker for every queue", () => {
    const roles = [...read("docker-compose.yml").matchAll(/--roles, "?([a-z,]+)/g)].flatMap(([, list]) =>
      list!.split(",")
    )
    assert.sameMembers(roles, ["api", ...queueNames])
  })

  it("sets nothing that Postroom does not read", () => {
    const [, block] = /^x-postroom:[^]*?^ {2}environment:\n((?: {4}\S.*\n)+)/m.exec(read("docker-compose.yml"))!
    const keys = [...block!.matchAll(/^ +([A-Z_]+):/gm)].map(([, key]) => key!)
    assert.isAbove(keys.length, 4)
    const known = new Set(read(".env.example").match(/(?<=^#)[A-Z_]+(?==)/gm))
    for (const key of keys) if (key !== "DATABASE_PASSWORD_FILE") assert.isTrue(known.has(key), key)
  })
})
