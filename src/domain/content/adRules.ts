/**
 * Recognises advertising by the marks it carries and says which, so that a skipped post can be
 * explained. One strong mark is enough; weak ones count together. News about advertising has none.
 */

/** A mark found in a post. */
export interface AdMark {
  readonly rule: string
  /** The words that gave it away. */
  readonly match: string
  readonly weight: number
}

/** The verdict about one post: an ad from a weight of 2. */
export interface AdVerdict {
  readonly isAd: boolean
  readonly marks: ReadonlyArray<AdMark>
}

interface AdRule {
  readonly name: string
  readonly weight: 1 | 2
  readonly pattern: RegExp
}

const rules: ReadonlyArray<AdRule> = [
  {
    name: "labelled as advertising by a hashtag",
    weight: 2,
    pattern:
      /(?<![\p{L}\p{N}_])#(?:ad|ads|sponsored|реклама|промо|партн[её]рский|werbung|anzeige|publi|publicidad|patrocinado)(?![\p{L}\p{N}_])/iu
  },
  {
    name: "labelled as advertising in a line of its own",
    weight: 2,
    pattern:
      /^[^\p{L}\p{N}\n]*(?:реклама|на правах рекламы|advertisement|sponsored(?: post| content)?|paid partnership|anzeige|werbung|publicidad|contenido patrocinado|post patrocinado)[^\p{L}\p{N}\n]*$/imu
  },
  {
    name: "carries an advertiser's name or token",
    weight: 2,
    pattern: /\berid\s*[:=]\s*\w+|(?<![\p{L}])реклама[.:]\s*(?:ооо|ип|ао)\s|рекламодатель\s*:/iu
  },
  {
    name: "offers a promo code",
    weight: 2,
    // The lead-in in any case, the code itself in capitals: "promo codes are back" names none.
    pattern:
      /(?:[Пп]ромокод(?:у|ом)?|[Pp]romo ?code|[Dd]iscount code|[Cc]ódigo (?:de descuento|promocional)|[Rr]abattcode|[Gg]utscheincode)[:\s«"“„'-]+(?=[\p{Lu}\d]*\p{Lu})[\p{Lu}\d]{4,16}(?![\p{Ll}])/u
  },
  {
    name: "names a code",
    weight: 1,
    pattern:
      /(?<!\p{L})(?:[Cc]ode|[Cc]ódigo|[Кк]од)[:\s«"“„'-]+(?=[\p{Lu}\d]*\d)(?=[\p{Lu}\d]*\p{Lu})[\p{Lu}\d]{4,16}(?![\p{Ll}])/u
  },
  {
    name: "promises a discount",
    weight: 1,
    pattern:
      /(?:скидк\p{L}+\s+(?:до\s+)?\d{1,3}\s?%|\d{1,3}\s?%\s+(?:скидк|off\b|discount|rabatt|de descuento)|(?:rabatt|descuento)\s+(?:von\s+|del?\s+)?\d{1,3}\s?%|[−–-]\s?\d{2}\s?%)/iu
  },
  {
    name: "calls to buy or order",
    weight: 1,
    pattern:
      /(?:закаж\p{L}+|успейте купить|купить можно|оформ(?:и|ите|ить) заказ|order (?:now|today)|buy now|shop now|jetzt (?:kaufen|bestellen|sichern)|compra ya|cómpralo|haz tu pedido|pide (?:ya|el tuyo))/iu
  },
  {
    name: "asks to join another channel",
    weight: 1,
    pattern:
      /(?:подпи(?:шитесь|сывайтесь|шись)|переходите|join|subscribe|únete|suscríbete|abonniert|tretet)[^.!?\n]{0,60}t\.me\/(?:\+|joinchat\/)\S+/iu
  },
  { name: "links with a referral", weight: 1, pattern: /[?&](?:utm_source|utm_campaign|ref|aff|partner|promo)=\w+/iu },
  {
    name: "promises income or gifts",
    weight: 1,
    pattern:
      /(?:пассивн\p{L}+ доход|заработ\p{L}+ от \d|без вложений|passive income|giveaway|розыгрыш|gewinnspiel|sorteo|free gift)/iu
  }
]

/** The marks of advertising in a post's plain text. Empty marks mean an ordinary post. */
export const adVerdict = (text: string): AdVerdict => {
  const marks = rules.flatMap(({ name, weight, pattern }): ReadonlyArray<AdMark> => {
    const match = pattern.exec(text)
    return match === null ? [] : [{ rule: name, match: match[0].trim(), weight }]
  })
  return { isAd: marks.reduce((sum, mark) => sum + mark.weight, 0) >= 2, marks }
}
