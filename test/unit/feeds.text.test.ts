import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { decodeBytes } from "../../src/services/feeds/decodeBytes.ts"
import { parseFeedDocument } from "../../src/services/feeds/feedEntries.ts"
import { htmlText } from "../../src/services/feeds/htmlText.ts"
import { parseTelegramPage } from "../../src/services/feeds/telegramPage.ts"

const shown = (html: string) => {
  const { text, entities } = htmlText(html, "https://a.example/dir/page")
  return {
    text,
    entities: entities.map(({ type, offset, length, url }) =>
      [type, text.slice(offset, offset + length), url].filter((x) => x !== undefined)
    )
  }
}

describe("HTML as text", () => {
  const cases: ReadonlyArray<readonly [string, string, string, ReadonlyArray<ReadonlyArray<string>>]> = [
    ["paragraphs are separated by an empty line", "<p>One  two</p>\n<p>three</p>", "One two\n\nthree", []],
    [
      "breaks are lines, and no more than one empty line stays",
      "a<br>b<br/><br/><br/><br/><b>c</b>",
      "a\nb\n\nc",
      [["bold", "c"]]
    ],
    ["lists have bullets", "<ul><li>one</li><li>two</li></ul>", "• one\n• two", []],
    [
      "a relative link becomes absolute",
      'see <a href="../x?a=1&amp;b=2">here </a>now',
      "see here now",
      [["text_url", "here", "https://a.example/x?a=1&b=2"]]
    ],
    [
      "a link that shows its address is an address",
      '<a href="https://t.me/+AbC__d">https://t.me/+AbC__d</a>',
      "https://t.me/+AbC__d",
      [["url", "https://t.me/+AbC__d"]]
    ],
    ["script links are only text", '<a href="javascript:alert(1)">click</a>', "click", []],
    ["scripts and styles are dropped", "<style>p{}</style><script>x()</script>ok<img src=x onerror=y>", "ok", []],
    ["entities are decoded once", "&lt;b&gt; &amp;amp; &#128512;", "<b> &amp; 😀", []],
    [
      "formats nest",
      "<b>bold <i>both</i></b>",
      "bold both",
      [
        ["bold", "bold both"],
        ["italic", "both"]
      ]
    ],
    ["Telegram's emoji pictures are emoji", '<i class="emoji" style="x"><b>🌊</b></i> sea', "🌊 sea", []],
    ["code keeps its spaces", "<pre>a  b\n  c</pre>", "a  b\n  c", [["pre", "a  b\n  c"]]],
    ["spaces around a format stay outside of it", "a <b> b </b> c", "a b c", [["bold", "b"]]],
    ["nothing is nothing", " <p> </p> ", "", []]
  ]
  it.each(cases)("%s", (_name, html, text, entities) => {
    assert.deepStrictEqual(shown(html), { text, entities: entities.map((entity) => [...entity]) })
  })

  it("entities after removed lines still cover their words", () => {
    const { text, entities } = htmlText("<p>a</p><br><br><br><br><p>b <b>bold</b> c <i>it</i></p>")
    assert.deepStrictEqual(
      entities.map(({ offset, length }) => text.slice(offset, offset + length)),
      ["bold", "it"]
    )
  })
})

describe("bytes as text", () => {
  const cp1251 = (text: string) =>
    Uint8Array.from([...text].map((c) => (c >= "А" && c <= "я" ? c.charCodeAt(0) - 0x350 : c.charCodeAt(0))))

  it("the header's charset, the XML declaration, the meta tag and the byte order mark are heeded", () => {
    assert.strictEqual(decodeBytes(cp1251("Привет"), "text/xml; charset=windows-1251"), "Привет")
    assert.include(decodeBytes(cp1251('<?xml version="1.0" encoding="windows-1251"?><a>Привет</a>')), "Привет")
    assert.include(decodeBytes(cp1251('<html><meta charset="windows-1251"><p>Привет')), "Привет")
    assert.strictEqual(decodeBytes(Buffer.from("\ufeffПривет", "utf16le")), "Привет")
    assert.strictEqual(decodeBytes(Buffer.from("\ufeffПривет"), "text/xml; charset=windows-1251"), "Привет")
  })

  it("an unknown charset is read as UTF-8 and bad bytes do not fail", () => {
    assert.strictEqual(decodeBytes(Buffer.from("Привет"), "text/html; charset=klingon"), "Привет")
    assert.include(decodeBytes(Uint8Array.from([0x61, 0xff, 0x62])), "a\ufffdb")
  })
})

describe("feeds that bend the rules", () => {
  const read = (document: string) => Result.getOrThrow(parseFeedDocument(document, "https://feed.example/dir/feed.xml"))
  const rss = (item: string) => `<rss version="2.0"><channel><title>T</title>${item}</channel></rss>`

  it.each([
    ["a page", "<!DOCTYPE html><html><body>hello</body></html>"],
    ["nothing", ""],
    ["broken JSON", "{"],
    ["other JSON", '{"a":1}'],
    ["other XML", "<root><a/></root>"]
  ])("%s is no feed", (_name, document) => {
    assert.isTrue(Result.isFailure(parseFeedDocument(document, "https://feed.example/")))
  })

  it("an entry without id is known by its address, without address by its text", () => {
    const { entries } = read(
      rss("<item><title>A</title><link>/a</link></item><item><title>B</title></item><item></item>")
    )
    assert.deepStrictEqual(
      entries.map(({ title }) => title),
      ["A", "B"]
    )
    assert.strictEqual(entries[0]?.id, "https://feed.example/a")
    assert.match(entries[1]?.id ?? "", /^[0-9a-f]{64}$/)
  })

  it("a date nobody can read is no date", () => {
    const { entries } = read(rss("<item><title>A</title><pubDate>yesterday</pubDate></item>"))
    assert.isUndefined(entries[0]?.publishedAt)
  })

  it("pictures are gathered once from enclosures, Media RSS and the text itself", () => {
    const { entries } = read(
      `<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>T</title><item><title>A</title>
      <enclosure url="https://x.example/a.jpg" type="image/jpeg" length="1"/><media:content url="https://x.example/v.mp4" medium="video"/>
      <description><![CDATA[<p>Text</p><img src="/b.png"><img src="https://x.example/a.jpg"><img src="data:image/png;base64,AA">]]></description></item></channel></rss>`
    )
    assert.deepStrictEqual(entries[0]?.media, [
      { url: "https://x.example/a.jpg", kind: "image" },
      { url: "https://x.example/v.mp4", kind: "video" },
      { url: "https://feed.example/b.png", kind: "image" }
    ])
  })

  it("entities a document declares are not expanded", () => {
    const { entries } = read(
      `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>${rss("<item><title>&b;</title></item>")}`
    )
    assert.strictEqual(entries[0]?.title.includes("aaaa"), false)
  })
})

describe("a channel's page", () => {
  const message = (id: number, inner: string, classes = "") =>
    `<div class="tgme_widget_message ${classes}" data-post="harbour/${id}">${inner}<span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/harbour/${id}"><time datetime="2026-11-20T10:00:00+00:00">10:00</time></a></span></div>`
  const page = (messages: string) =>
    `<html><div class="tgme_channel_info_header_title"><span>Harbour</span></div><section class="tgme_channel_history"><a class="tme_messages_more" data-before="5"></a>${messages}</section></html>`

  it("an album is one post with all of its ids and pictures", () => {
    const photo = (id: number) =>
      `<a class="tgme_widget_message_photo_wrap grouped_media_wrap" href="https://t.me/harbour/${id}?single" style="width:1px;background-image:url('https://cdn.example/${id}.jpg')"></a>`
    const parsed = parseTelegramPage(
      page(
        message(
          7,
          `<div class="tgme_widget_message_grouped">${photo(7)}${photo(8)}</div><div class="tgme_widget_message_text">Two <b>boats</b></div>`
        )
      ),
      "https://t.me/s/harbour"
    )
    assert.strictEqual(parsed?.title, "Harbour")
    assert.strictEqual(parsed?.before, 5)
    assert.deepInclude(parsed?.posts[0], {
      id: 7,
      messageIds: [7, 8],
      text: "Two boats",
      photos: ["https://cdn.example/7.jpg", "https://cdn.example/8.jpg"]
    })
  })

  it("service messages and messages without a date are left out, a quoted reply is not the text", () => {
    const parsed = parseTelegramPage(
      page(
        message(2, `<div class="tgme_widget_message_text">Channel created</div>`, "service_message") +
          message(
            3,
            `<a class="tgme_widget_message_reply"><div class="tgme_widget_message_text">quoted</div></a><div class="tgme_widget_message_text">answer</div>`
          ) +
          `<div class="tgme_widget_message" data-post="harbour/4"><div class="tgme_widget_message_text">no date</div></div>`
      ),
      "https://t.me/s/harbour"
    )
    assert.deepStrictEqual(
      parsed?.posts.map(({ id, text }) => [id, text]),
      [[3, "answer"]]
    )
  })

  it("a page that is no channel's is none", () => {
    assert.isUndefined(parseTelegramPage("<html><body>Not found</body></html>", "https://t.me/s/harbour"))
  })
})

describe("hostile input", () => {
  const fragments = fc.constantFrom(
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<br>",
    " ",
    "a",
    "слово ",
    "😀",
    "<ul><li>",
    "</li></ul>",
    '<a href="/x">',
    "</a>",
    "<pre>",
    "</pre>",
    "\n\n",
    "&amp;",
    "<blockquote>",
    "</blockquote>",
    "<i class=emoji><b>🌊</b></i>",
    "<"
  )

  it("entities of any HTML lie inside the text, which has no wide gaps and no edges of white space", () => {
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 40 }), (parts) => {
        const html = parts.join("")
        const { text, entities } = htmlText(html, "https://a.example/")
        assert.strictEqual(text, text.trimEnd())
        if (!html.includes("<pre>")) assert.notMatch(text, /\n{3}| {2}| \n/)
        for (const { offset, length } of entities) {
          assert.isAbove(length, 0)
          assert.isAtLeast(offset, 0)
          assert.isAtMost(offset + length, text.length)
        }
      }),
      { numRuns: 500, seed: 7 }
    )
  })

  const large: ReadonlyArray<readonly [string, string]> = [
    ["paragraphs", "<p>a b</p>".repeat(60_000)],
    ["breaks", "a<br>".repeat(100_000)],
    ["open picture tags", "<img ".repeat(100_000)],
    ["spaces", `a${" ".repeat(1_000_000)}b`]
  ]
  it.each(large)("half a megabyte of %s takes no more than a moment", (_name, html) => {
    const started = performance.now()
    parseFeedDocument(
      `<rss version="2.0"><channel><item><description><![CDATA[${html}]]></description></item></channel></rss>`,
      "https://a.example/"
    )
    assert.isBelow(performance.now() - started, 4000)
  })

  it("what is nested without end is dropped, and the entries beside it are kept", () => {
    const item = (html: string) => `<item><title>x</title><description><![CDATA[${html}]]></description></item>`
    const parsed = Result.getOrThrow(
      parseFeedDocument(
        `<rss version="2.0"><channel>${item("<b>".repeat(40_000))}${item("<a href=/x>".repeat(5000))}${item("fine")}</channel></rss>`,
        "https://a.example/"
      )
    )
    assert.strictEqual(parsed.entries.at(-1)?.text, "fine")
    assert.lengthOf(parsed.entries, 3)
  })
})
