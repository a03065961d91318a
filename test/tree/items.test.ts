/** Trees of items over HTTP, on the whole product: what callers see of them, and what they are told. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { startInstallation, untilAnswer } from "../scenarios/Installation.ts"
import type { Client } from "../scenarios/Installation.ts"
import { NaiveTree } from "./NaiveTree.ts"
import { drawCommand, makeChance, people } from "./randomCommand.ts"
import type { Drawn } from "./randomCommand.ts"

const installation = startInstallation({ actors: [makeTree(null)] })

const taskEnded = (client: Client, task: string) =>
  untilAnswer(client.get(`/tasks/${task}`), ({ status }) => !["queued", "in_progress"].includes(status))

const applied = (client: Client, user: string) =>
  untilAnswer(client.get(`/items?user=${user}&limit=1`), ({ applying }) => applying === false)

const put = (client: Client, place: string, body: unknown, headers: Record<string, string> = {}) =>
  client.call("PUT", place, { body, headers })

/** Makes a collection and answers its id. */
const make = (client: Client, user: string, name: string, more: object = {}) =>
  Effect.map(client.post("/items", { user, type: "collection", name, ...more }), ({ status, body }) => {
    assert.strictEqual(status, 202, JSON.stringify(body))
    return body.itemId as string
  })

/** All pages of a list. */
const all = (client: Client, place: string, limit: number) =>
  Effect.gen(function* () {
    const items: Array<any> = []
    let next: string | null = null
    do {
      const cursor: string = next === null ? "" : `&cursor=${next}`
      const { status, body } = yield* client.get(`${place}&limit=${limit}${cursor}`)
      assert.strictEqual(status, 200, JSON.stringify(body))
      items.push(...body.items)
      next = body.next
    } while (next !== null)
    return items
  })

const send = (client: Client, { owner, value: { by, admin, command } }: Drawn) => {
  const acting = { user: by, admin }
  switch (command.kind) {
    case "create": {
      const { kind: _, viewers, ...rest } = command
      return client.post("/items", { ...acting, ...rest, ...(viewers === null ? {} : { viewers }) })
    }
    case "setPublic":
      return put(client, `/users/${owner}/public`, { ...acting, public: command.public })
    case "delete":
      return client.call("DELETE", `/items/${command.item}?user=${by}&admin=${admin}`)
    case "restore":
      return client.post(`/items/${command.item}/restore`, acting)
    case "rename":
    case "move":
    case "setTags":
    case "setAccess": {
      const { kind, item, ...rest } = command
      const part = { rename: "name", move: "parent", setTags: "tags", setAccess: "access" }[kind]
      return put(client, `/items/${item}/${part}`, { ...acting, ...rest })
    }
    default:
      return Effect.die(`${command.kind} is tried in content.test.ts`)
  }
}

describe("items over HTTP", () => {
  it.live("an item's id is good at once: what is asked of it waits for it, and reads say so until it is applied", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, work } = yield* startInstallation({ actors: [makeTree(null)], works: false })
        const album = yield* make(client, "anna", "Album", { tags: ["Summer"] })
        const photo = yield* make(client, "anna", "a photo.jpg", { parent: album, viewers: ["ben"] })
        assert.strictEqual((yield* put(client, `/items/${photo}/tags`, { user: "anna", add: ["sea"] })).status, 202)
        assert.strictEqual((yield* put(client, `/items/${photo}/tags`, { user: "ben", add: ["sea"] })).status, 404)
        assert.deepStrictEqual((yield* client.get("/items?user=anna")).body, { items: [], next: null, applying: true })
        assert.deepStrictEqual((yield* client.get("/tags?user=anna")).body, { tags: [], applying: true })
        yield* work
        yield* applied(client, "anna")
        const seen = {
          id: photo,
          owner: "anna",
          parent: album,
          type: "collection",
          name: "a photo.jpg",
          tags: ["sea"],
          effectiveTags: ["sea", "summer"],
          viewers: ["ben"],
          deletedWith: null,
          content: null
        }
        const { body } = yield* client.get(`/items/${photo}?user=anna`)
        assert.deepStrictEqual(body, { item: seen, applying: false })
        const ofBen = yield* client.get(`/items/${photo}?user=ben`)
        assert.deepStrictEqual(ofBen.body.item, { ...seen, viewers: null }, "who else sees it is the owner's business")
        assert.deepStrictEqual((yield* client.get("/tags?user=ben&q=S")).body.tags, [
          { tag: "sea", count: 1 },
          { tag: "summer", count: 1 }
        ])
      })
    )
  )

  it.live("a change that is refused is a failed task with the reason, and none that is tried again", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const outer = yield* make(client, "anna", "outer")
        const inner = yield* make(client, "anna", "inner", { parent: outer })
        const { body } = yield* put(client, `/items/${outer}/parent`, { user: "anna", parent: inner })
        const task = yield* taskEnded(client, body.taskId)
        assert.deepInclude(task, { status: "failed", attempt: 1, user: "anna" })
        assert.match(task.reason, /^WouldCycle: /)
        assert.strictEqual((yield* client.get(`/items/${inner}?user=anna`)).body.item.parent, outer)
      })
    )
  )

  it.live("who does not see an item is answered as if there were none, whatever is asked", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const item = yield* make(client, "anna", "mine")
        yield* applied(client, "anna")
        const none = "00000000-0000-4000-8000-000000000000"
        const asks: ReadonlyArray<(id: string) => ReturnType<Client["get"]>> = [
          (id) => client.get(`/items/${id}?user=eve`),
          (id) => client.get(`/items/${id}`),
          (id) => client.get(`/items?user=eve&parent=${id}`),
          (id) => client.post("/items", { user: "eve", type: "item", name: "x", parent: id }),
          (id) => put(client, `/items/${id}/name`, { user: "eve", name: "x" }),
          (id) => put(client, `/items/${id}/parent`, { user: "eve", parent: null }),
          (id) => put(client, `/items/${id}/tags`, { user: "eve", add: ["x"] }),
          (id) => put(client, `/items/${id}/access`, { user: "eve", grant: ["eve"] }),
          (id) => client.call("DELETE", `/items/${id}?user=eve`),
          (id) => client.post(`/items/${id}/restore`, { user: "eve" })
        ]
        for (const ask of asks) {
          const [hidden, absent] = [yield* ask(item), yield* ask(none)]
          assert.strictEqual(hidden.status, 404, JSON.stringify(hidden.body))
          assert.strictEqual(JSON.stringify(hidden.body).replaceAll(item, none), JSON.stringify(absent.body))
        }
        assert.strictEqual((yield* client.get(`/items/${item}?user=eve&admin=true`)).status, 200)
        assert.strictEqual((yield* client.get("/items/nonsense?user=anna")).status, 404)
      })
    )
  )

  it.live("the same Idempotency-Key changes a tree once, and another change under it is refused", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const body = { user: "anna", type: "item", name: "once" }
        const key = { "idempotency-key": "key 1" }
        const first = yield* client.post("/items", body, key)
        assert.deepStrictEqual((yield* client.post("/items", body, key)).body, first.body)
        const other = yield* client.post("/items", { ...body, name: "twice" }, key)
        assert.strictEqual(other.status, 409)
        assert.deepStrictEqual(other.body.errors[0].path, ["header", "idempotency-key"])
        yield* applied(client, "anna")
        assert.lengthOf((yield* client.get("/items?user=anna")).body.items, 1)
      })
    )
  )

  it.live("what is wrong with a request is named by its path", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const pathsOf = ({ status, body }: { status: number; body: any }) => {
          assert.strictEqual(status, 400, JSON.stringify(body))
          return (body.errors as ReadonlyArray<{ path: ReadonlyArray<string> }>).map(({ path }) => path.join("."))
        }
        const bad = {
          user: "",
          type: "folder",
          name: "a\0b",
          tags: ["ok", "a,b", " "],
          viewers: ["x".repeat(300)],
          colour: 1
        }
        assert.sameMembers(pathsOf(yield* client.post("/items", bad)), [
          "user",
          "type",
          "name",
          "tags.1",
          "tags.2",
          "viewers.0",
          "colour"
        ])
        const half = '{"user":"anna","type":"item","name":"\\ud800"}'
        assert.deepStrictEqual(pathsOf(yield* client.post("/items", half)), ["name"])
        assert.deepStrictEqual(pathsOf(yield* client.get("/items?user=anna&cursor=x")), ["query.cursor"])
        assert.deepStrictEqual(pathsOf(yield* client.get("/items")), ["query.owner"])
        assert.deepStrictEqual(pathsOf(yield* client.get("/search?user=anna")), ["query"])
        assert.deepStrictEqual(pathsOf(yield* client.get("/search?user=anna&q=x&cursor=1-A")), ["query.cursor"])
        assert.deepStrictEqual(pathsOf(yield* client.get("/tags?user=anna&limit=0&q=a%00")), ["query.q", "query.limit"])
        assert.deepStrictEqual(pathsOf(yield* client.get("/items?user=anna&admin=perhaps")), ["query.admin"])
      })
    )
  )

  it.live("whoever saw a collection was shown everything in it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const album = yield* make(client, "anna", "album", { viewers: ["ben"], tags: ["sea"] })
        const shown = yield* make(client, "anna", "shown", { parent: album })
        yield* make(client, "anna", "private", { parent: album, viewers: [] })
        yield* applied(client, "anna")
        const idsOf = (place: string) =>
          Effect.map(client.get(place), ({ body }) => (body.items as ReadonlyArray<any>).map(({ id }) => id))
        assert.deepStrictEqual(yield* idsOf(`/items?user=ben&parent=${album}`), [shown])
        assert.deepStrictEqual(yield* idsOf("/search?user=ben&tags=sea"), [album, shown])
        assert.deepStrictEqual(yield* idsOf("/search?user=ben&q=private"), [])
        assert.deepStrictEqual(yield* idsOf("/search?user=anna&q=PRIV"), [
          yield* Effect.map(idsOf(`/items?user=anna&parent=${album}`), (ids) => ids[1])
        ])
      })
    )
  )
})

describe("after commands by chance over HTTP", () => {
  it.live(
    "T5 every user's tags are counted over all owners, T15 and no list and no search has an item its reader does not see",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { client } = yield* installation
          const tree = new NaiveTree()
          const chance = makeChance(5)
          for (let n = 0; n < 250; n++) {
            const drawn = drawCommand(chance, tree)
            const { status, body } = yield* send(client, drawn)
            if (status === 202) tree.apply(drawn.owner, body.taskId, drawn.value)
            else assert.strictEqual(status, 404, JSON.stringify([drawn, body]))
          }
          for (const owner of people) yield* applied(client, owner)

          for (const user of [...people, null]) {
            const who = user === null ? "" : `&user=${user}`
            const { tags } = (yield* client.get(`/tags?limit=500${who}`)).body
            assert.deepStrictEqual(
              new Map(tags.map(({ tag, count }: any) => [tag, count]).sort()),
              new Map([...tree.countsOf(user)].sort()),
              `${user}`
            )
            const items = [...tree.items.values()]
            for (const parent of items.filter((item) => item.type === "collection" && tree.sees(user, item))) {
              const listed = yield* all(client, `/items?parent=${parent.id}${who}`, 3)
              const expected = tree.childrenOf(parent.id).filter((item) => tree.sees(user, item))
              assert.sameMembers(
                listed.map(({ id }) => id),
                expected.map(({ id }) => id)
              )
            }
            for (const [wanted, words] of [
              [["red"], ""],
              [["été", "море"], ""],
              [["blue"], "cat"],
              [[], "do"],
              [["green", "red", "blue"], "JPG"]
            ] as const) {
              const found = yield* all(
                client,
                `/search?tags=${encodeURIComponent(wanted.join(","))}&q=${words}${who}`,
                4
              )
              const expected = items.filter(
                (item) =>
                  tree.sees(user, item) &&
                  wanted.every((tag) => tree.tagsOf(item.id).has(tag)) &&
                  item.name
                    .toLowerCase()
                    .split(/[ .]/)
                    .some((word) => word.startsWith(words.toLowerCase()))
              )
              assert.sameMembers(
                found.map(({ id }) => id),
                expected.map(({ id }) => id),
                `${user} ${wanted.join()} ${words}`
              )
            }
          }
        })
      ),
    120_000
  )
})
