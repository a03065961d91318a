/**
 * Which part may know which, who may use which package, and what no file of
 * Postroom may contain. The tables here are the design; a breach is mended in
 * the code, or the table is changed by a decision that stands in its commit.
 */
import { assert, describe, it } from "@effect/vitest"
import { sources } from "./support/sources.ts"

const everything = ["*"]

/** Folders by the longest beginning that fits; what each may import besides itself. */
const mayImport: Readonly<Record<string, ReadonlyArray<string>>> = {
  domain: [],
  topics: ["domain"],
  config: ["domain"],
  observability: ["domain"],
  broker: ["domain", "config", "observability"],
  "broker/postgres": ["broker", "domain", "config", "observability", "database"],
  "broker/kafka": ["broker", "domain", "config", "observability", "database"],
  "broker/rows": ["broker", "domain", "config", "observability", "database"],
  journal: ["domain", "config", "observability"],
  "journal/sql": ["journal", "domain", "config", "observability", "database"],
  services: ["domain", "config", "observability"],
  // Who refers to blobs is known by rows, which trees, uploads and sweeps write.
  "services/content": ["services", "domain", "config", "observability", "database"],
  database: ["domain", "config", "observability"],
  runtime: ["domain", "topics", "broker", "journal", "observability"],
  actors: ["domain", "topics", "services", "runtime", "database", "observability"],
  api: ["domain", "topics", "journal", "database", "config", "observability"],
  // Files come in and go out by HTTP: their bytes pass through no topic.
  "api/items": [
    "api",
    "domain",
    "topics",
    "journal",
    "database",
    "config",
    "observability",
    "services/blobs",
    "services/content"
  ],
  sandbox: ["domain"],
  cli: everything,
  "main.ts": everything,
  "postroom.ts": everything
}

/** What the sandbox shares with the services it stands in for: the wire's own tables, which must be the same on both ends. */
const sandboxMayUse: ReadonlySet<string> = new Set(["services/telegram/tlEntities.ts"])

/** Who may import a package; what is not listed, nobody but the listed folders of `anywhere`. */
const packages: Readonly<Record<string, ReadonlyArray<string>>> = {
  effect: everything,
  "@effect/sql-pg": ["database", "broker/postgres", "broker/kafka", "broker/rows", "broker/rows", "journal/sql", "cli"],
  "@effect/platform-node": ["cli", "api", "main.ts", "services"],
  kafkajs: ["broker/kafka"],
  telegram: ["services/telegram", "sandbox/telegram"],
  openai: ["services/ai"],
  sharp: ["services/images", "sandbox"],
  thumbhash: ["services/images"],
  aws4fetch: ["services/blobs/s3"],
  feedsmith: ["services/feeds"],
  cheerio: ["services/feeds"],
  "zip-stream": ["services/exports"],
  "csv-stringify": ["services/exports"]
}

/** The adapters to the world: sockets, child processes and commands have its clock. */
const adapters = [
  "services/",
  "sandbox/",
  "database/embedded/",
  "cli/",
  "api/submission.ts",
  "api/bodyTime.ts",
  "database/DatabaseClock.ts"
]

const impure =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\b|\bsetInterval\b|\brandomUUID\b|\bperformance\.now\b/

const forbiddenNames =
  /^(utils?|helpers?|common|misc|types|interfaces|lib|managers?|impl)$|(Utils?|Helpers?|Manager|Impl)$/

const ruleOf = (file: string): string =>
  Object.keys(mayImport)
    .filter((name) => file === name || file.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0] ?? "nowhere"

const isWithin = (file: string, folders: ReadonlyArray<string>): boolean =>
  folders === everything || folders.some((folder) => file === folder || file.startsWith(`${folder}/`))

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

describe("the parts of Postroom", () => {
  it("are all in the table", () => {
    assert.deepStrictEqual(
      sources.map(({ file }) => file).filter((file) => ruleOf(file) === "nowhere"),
      []
    )
    assert.isAbove(sources.length, 100)
    assert.isAbove(sources.flatMap(({ imports }) => imports).length, 500)
  })

  it("import only what the table allows them", () => {
    const breaches: Array<string> = []
    for (const { file, imports } of sources) {
      const rule = ruleOf(file)
      const allowed = mayImport[rule] ?? []
      for (const { file: target, isTypeOnly } of imports) {
        if (target === undefined || allowed === everything) continue
        if (isWithin(target, [rule, ...allowed])) continue
        if (rule === "sandbox" && target.startsWith("services/") && (isTypeOnly || sandboxMayUse.has(target))) continue
        breaches.push(`${file} imports ${target}`)
      }
    }
    assert.deepStrictEqual(breaches, [])
  })

  it("know the ports of broker and journal and not what stands behind them, but for the API, which reads by SQL", () => {
    const breaches: Array<string> = []
    for (const area of ["broker", "journal"]) {
      for (const { file, imports } of sources) {
        const [own, adapter, rest] = file.split("/")
        for (const { file: target } of imports) {
          if (target === undefined || !target.startsWith(`${area}/`) || target.split("/").length < 3) continue
          if (mayImport[ruleOf(file)] === everything || (own === "api" && target.startsWith("journal/sql/"))) continue
          if (own === area && rest !== undefined && target.startsWith(`${area}/${adapter}/`)) continue
          // What the adapters of one port keep alike stands apart from each of them.
          if (own === area && rest !== undefined && target.startsWith(`${area}/rows/`)) continue
          breaches.push(`${file} imports ${target}`)
        }
      }
    }
    assert.deepStrictEqual(breaches, [])
  })

  it("have actors that do not know each other", () => {
    const breaches: Array<string> = []
    for (const { file, imports } of sources) {
      const [area, actor, more] = file.split("/")
      if (area !== "actors" || more === undefined) continue
      for (const { file: target } of imports) {
        const [, other, deep] = (target ?? "").split("/")
        if (target?.startsWith("actors/") === true && deep !== undefined && other !== actor)
          breaches.push(`${file} imports ${target}`)
      }
    }
    assert.deepStrictEqual(breaches, [])
  })

  it("use a package only where the table says", () => {
    const breaches: Array<string> = []
    for (const { file, imports } of sources) {
      for (const { specifier, file: own } of imports) {
        if (own !== undefined || specifier.startsWith("node:")) continue
        if (!isWithin(file, packages[packageOf(specifier)] ?? [])) breaches.push(`${file} imports ${specifier}`)
      }
    }
    assert.deepStrictEqual(breaches, [])
  })

  it("have no cycle of imports", () => {
    const targets = new Map(
      sources.map(({ file, imports }) => [file, imports.map((i) => i.file).filter((f) => f !== undefined)])
    )
    const done = new Set<string>()
    const cycles: Array<string> = []
    const visit = (file: string, path: ReadonlyArray<string>): void => {
      const at = path.indexOf(file)
      if (at !== -1) return void cycles.push([...path.slice(at), file].join(" -> "))
      if (done.has(file)) return
      for (const target of targets.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
    for (const { file } of sources) visit(file, [])
    assert.deepStrictEqual(cycles, [])
  })
})

describe("a file of Postroom", () => {
  it("says its patterns in the documents too, which Effect only does for those with the flag u", () => {
    const silent = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/isPattern\(\/.*?\/(\w*)[,)]/g)].flatMap(([found, flags]) =>
        flags === "u" ? [] : [`${file}: ${found}`]
      )
    )
    assert.deepStrictEqual(silent, [])
  })

  it("has at most 300 lines", () => {
    const long = sources.filter(({ text }) => text.trimEnd().split("\n").length > 300).map(({ file }) => file)
    assert.deepStrictEqual(long, [])
  })

  it("has a name that says what it holds, and so have its folders", () => {
    const names = sources.flatMap(({ file }) =>
      file
        .replace(/\.ts$/, "")
        .split("/")
        .filter((part) => forbiddenNames.test(part))
        .map((part) => `${file}: ${part}`)
    )
    assert.deepStrictEqual(names, [])
  })

  it("takes time and chance from Effect unless it is an adapter to the world", () => {
    const breaches = sources
      .filter(({ file }) => !adapters.some((adapter) => file.startsWith(adapter)))
      .flatMap(({ file, code }) => {
        const found = impure.exec(code)
        return found === null ? [] : [`${file}: ${found[0]}`]
      })
    assert.deepStrictEqual(breaches, [])
  })

  it("has no default export", () => {
    const breaches = sources
      .filter(({ code }) => /\bexport\s+default\b|\bas\s+default\b/.test(code))
      .map(({ file }) => file)
    assert.deepStrictEqual(breaches, [])
  })

  it("reads the environment only in config", () => {
    const breaches = sources
      .filter(({ file, code }) => !file.startsWith("config/") && /\bprocess\.env\b/.test(code))
      .map(({ file }) => file)
    assert.deepStrictEqual(breaches, [])
  })
})
