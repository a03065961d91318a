import { assert, describe, it } from "@effect/vitest"
import { adVerdict } from "../../src/domain/content/adRules.ts"
import { canonicalUrl, channelBoilerplate, normaliseText } from "../../src/domain/content/normaliseText.ts"
import {
  compareFingerprints,
  fingerprint,
  hammingDistance,
  simHash64,
  trigramSimilarity
} from "../../src/domain/content/textFingerprint.ts"
import { expectedStories, makeDemoWorld, postsFor } from "../../src/sandbox/world/DemoWorld.ts"

const world = makeDemoWorld(1_795_250_000)
const posts = new Map(world.posts.map((placed) => [placed.post.key, placed]))

const rootOf = (key: string): string => {
  const expected = posts.get(key)?.post.expected
  return expected?.verdict === "duplicate" ? rootOf(expected.of) : key
}

describe("advertising", () => {
  const planted = world.posts.filter(({ post }) => post.expected.verdict === "ad")
  const ordinary = world.posts.filter(({ post }) => post.expected.verdict !== "ad")

  it("every planted ad is recognised, with the words that gave it away", () => {
    assert.isAtLeast(planted.length, 12)
    for (const { post, text } of planted) {
      const verdict = adVerdict(text)
      assert.isTrue(verdict.isAd, post.key)
      for (const mark of verdict.marks) assert.include(text, mark.match)
    }
  })

  it("no ordinary post is taken for an ad", () => {
    assert.deepStrictEqual(
      ordinary.filter(({ text }) => adVerdict(text).isAd).map(({ post }) => post.key),
      []
    )
  })

  const news: ReadonlyArray<string> = [
    "Городской совет запретил рекламу на фасадах: новые вывески согласуют с архитектором.",
    "Суд оштрафовал сеть за навязчивую рекламу по телефону.",
    "Музей даёт пенсионерам скидку 50 % по средам.",
    "The #adhd clinic moves to Mill Street in March.",
    "The promo code for the old game was found in an attic: nobody can use it any more.",
    "Der Verein verzichtet auf Werbung am Trikot.",
    "La publicidad en las fachadas tendrá nuevas normas.",
    "Join us on Friday, the address is in the chat.",
    "Source code ABCDEF was the first thing they printed."
  ]
  it.each(news)("news is no ad: %s", (text) => {
    assert.isFalse(adVerdict(text).isAd, JSON.stringify(adVerdict(text).marks))
  })

  const ads: ReadonlyArray<string> = [
    "Лучшие окна города. Реклама. ИП Петров П. П.",
    "Суперцена! erid: 2SDnjeXyZ",
    "Скажите промокод «ОСЕНЬ24» на кассе",
    "New kettle, old price. Use promo code TEA15.",
    "Mit dem Rabattcode HERBST sparen",
    "Usa el código de descuento SOPA10",
    "Werbung\nDer neue Mixer ist da.",
    "Скидка до 40 % на куртки, успейте купить!",
    "30% off everything, shop now"
  ]
  it.each(ads)("an ad is an ad: %s", (text) => {
    assert.isTrue(adVerdict(text).isAd)
  })
})

describe("duplicates", () => {
  it("every planted duplicate is found, and nothing else in the whole world is", () => {
    const prints = world.posts.map(({ post, text }) => ({ key: post.key, print: fingerprint(text) }))
    const found: Array<string> = []
    const planted: Array<string> = []
    for (const [i, a] of prints.entries())
      for (const b of prints.slice(i + 1)) {
        const pair = [a.key, b.key].sort().join(" ")
        if (rootOf(a.key) === rootOf(b.key)) planted.push(pair)
        if (["same", "near"].includes(compareFingerprints(a.print, b.print).verdict)) found.push(pair)
      }
    assert.isAtLeast(planted.length, 12)
    assert.deepStrictEqual(found.sort(), planted.sort())
  })

  it("a repost under another footer is the same text", () => {
    const [city, digest] = ["city-tram", "digest-tram"].map((key) => fingerprint(posts.get(key)?.text ?? ""))
    assert.strictEqual(city?.contentHash, digest?.contentHash)
  })

  it("short texts are the same only with the same media", () => {
    const hash = (media: ReadonlyArray<string>) => fingerprint("Доброе утро! ☀️", media).contentHash
    assert.strictEqual(hash(["a", "b"]), hash(["b", "a"]))
    assert.notStrictEqual(hash(["a"]), hash(["b"]))
  })

  it("a weather report with other figures is only possibly a duplicate", () => {
    const report = (night: number, day: number, wind: number) =>
      fingerprint(
        `Погода в Заречинске на завтра: ночью ${night} градусов, днём ${day}, ветер северный, ${wind} метров в секунду, осадков не ожидается, на дорогах местами гололедица.`
      )
    assert.strictEqual(compareFingerprints(report(-5, -2, 4), report(-11, -7, 9)).verdict, "possible")
    assert.strictEqual(compareFingerprints(report(-5, -2, 4), report(-5, -2, 4)).verdict, "same")
  })

  it("decoration, tracking and a channel's signature do not count", () => {
    assert.strictEqual(canonicalUrl("https://www.a.example/x/?utm_source=tg&id=7#top"), "a.example/x?id=7")
    assert.strictEqual(
      normaliseText("🔥 Hello, WORLD! https://a.example/?utm_medium=x\n\nSubscribe: @channel_name"),
      normaliseText("hello world\nhttp://www.a.example")
    )
    const channel = Array.from({ length: 8 }, (_, i) => `Story ${i}\nHarbour Post, every day at nine`)
    const signature = channelBoilerplate(channel)
    assert.deepStrictEqual([...signature], ["Harbour Post, every day at nine"])
    assert.strictEqual(normaliseText(channel[3] ?? "", signature), "story 3")
  })

  it("the distance of hashes grows with the change, and similarity is 1 only for equal texts", () => {
    const text = posts.get("sci-concrete")?.text ?? ""
    const changed = text.replace("cheaper", "simpler")
    assert.strictEqual(hammingDistance(simHash64(text), simHash64(text)), 0)
    assert.isAbove(hammingDistance(simHash64(text), simHash64(changed)), 0)
    assert.strictEqual(hammingDistance(0n, 0xffffffffffffffffn), 64)
    assert.strictEqual(trigramSimilarity(text, text), 1)
    assert.isBelow(trigramSimilarity(text, changed), 1)
  })
})

describe("the demo world", () => {
  it("is large, varied and in order", () => {
    assert.isAtLeast(world.posts.length, 80)
    assert.lengthOf(world.feeds, 2)
    assert.lengthOf(new Set(world.posts.map(({ post }) => post.key)), world.posts.length)
    assert.isTrue(world.posts.some(({ text }) => text.length > 4096))
    assert.isTrue(world.posts.some(({ text }) => /t\.me\/\+\w/.test(text)))
    assert.isTrue(world.posts.some(({ text }) => /https?:\S*__/.test(text)))
    assert.isTrue(world.posts.some(({ text }) => text.includes("\u{200d}")))
    for (const { posts: messages = [], username } of world.model.channels) {
      const ids = messages.map(({ id }) => id)
      assert.deepStrictEqual(
        ids,
        [...new Set(ids)].sort((a, b) => a - b),
        username
      )
      assert.deepStrictEqual(
        messages.map(({ date }) => date),
        messages.map(({ date }) => date).sort((a, b) => a - b),
        username
      )
    }
  })

  it("albums have two to four pictures on consecutive ids, captioned once", () => {
    const sizes = world.model.channels.flatMap(({ posts: messages = [] }) =>
      [
        ...Map.groupBy(
          messages.filter(({ groupedId }) => groupedId !== undefined),
          ({ groupedId }) => groupedId
        ).values()
      ].map((group) => {
        assert.strictEqual((group.at(-1)?.id ?? 0) - (group[0]?.id ?? 0), group.length - 1)
        assert.lengthOf(
          group.filter(({ text }) => text !== ""),
          1
        )
        return group.length
      })
    )
    assert.deepStrictEqual([...new Set(sizes)].sort(), [2, 3, 4])
  })

  it("every entity lies inside its text and links keep their + and __", () => {
    const links: Array<string> = []
    for (const { posts: messages = [] } of world.model.channels)
      for (const { text, entities = [] } of messages)
        for (const { type, offset, length } of entities) {
          assert.isAbove(length, 0)
          assert.isAtMost(offset + length, text.length)
          if (type === "url") links.push(text.slice(offset, offset + length))
        }
    assert.include(links, "t.me/+Qw8xSky1LabClub")
    assert.include(links, "https://plainsky.example/notes/whale__song__2")
    assert.include(links, "https://rosa.example/sopa__de_ajo+huevo")
  })

  it("forwards point at a post that exists", () => {
    const forwards = world.model.channels
      .flatMap(({ posts: messages = [] }) => messages.map(({ forward }) => forward))
      .filter((f) => f !== undefined)
    assert.isAtLeast(forwards.length, 3)
    for (const { channelId, postId, date } of forwards)
      assert.strictEqual(
        world.model.channels.find(({ id }) => id === channelId)?.posts?.find(({ id }) => id === postId)?.date,
        date
      )
  })

  it("tells for every user which stories to publish, each once", () => {
    for (const user of world.users) {
      const stories = expectedStories(world, user)
      assert.strictEqual(
        stories.reduce((sum, story) => sum + story.tellings.length, 0),
        postsFor(world, user).length
      )
      assert.isAbove(stories.filter(({ outcome }) => outcome === "publish").length, 20)
      assert.isTrue(world.model.channels.some(({ username, kind }) => username === user.target && kind === "target"))
    }
    const anna = world.users.find(({ id }) => id === "anna")
    const market = anna && expectedStories(world, anna).find(({ key }) => key === "city-market")
    assert.deepStrictEqual(
      market?.tellings.map(({ post }) => post.key),
      ["city-market", "digest-market", "vestnik-market"]
    )
  })

  /** What the rules alone would let through, reading the posts in the given order. */
  const letThrough = (read: ReadonlyArray<(typeof world.posts)[number]>) => {
    const kept: Array<{ readonly key: string; readonly print: ReturnType<typeof fingerprint> }> = []
    for (const { post, text } of read) {
      const print = fingerprint(text)
      const repeated = kept.some((other) => ["same", "near"].includes(compareFingerprints(other.print, print).verdict))
      if (!adVerdict(text).isAd && !repeated) kept.push({ key: post.key, print })
    }
    return kept.map(({ key }) => rootOf(key)).sort()
  }

  it("the rules let exactly one telling of every story through, in whatever order sources are read", () => {
    for (const user of world.users) {
      const expected = expectedStories(world, user)
        .filter(({ outcome }) => outcome === "publish")
        .map(({ key }) => key)
        .sort()
      const posts = postsFor(world, user)
      assert.deepStrictEqual(letThrough(posts), expected, user.id)
      assert.deepStrictEqual(letThrough(posts.toReversed()), expected, user.id)
    }
  })
})
