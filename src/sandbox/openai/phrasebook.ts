/**
 * What the sandbox model knows of four languages: words that tell a language, words too common to
 * be a topic, and words it may say differently. All data.
 */

/** Languages the sandbox model writes. */
export type ModelLanguage = "en" | "ru" | "es" | "de"

/** The knowledge of one language. Swaps keep grammar: a word and its replacement agree in form. */
export interface Phrasebook {
  readonly common: ReadonlySet<string>
  readonly swaps: ReadonlyMap<string, string>
  /** Endings and words that make no topic: verbs, adverbs, adjectives, numerals. */
  readonly notTopic: RegExp
  readonly details: string
  readonly picture: (title: string) => string
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/))

const map = (pairs: string): ReadonlyMap<string, string> =>
  new Map(
    pairs
      .trim()
      .split("\n")
      .map((line) => line.trim().split(" = ") as [string, string])
  )

/** Phrasebooks by language. */
export const phrasebooks: Readonly<Record<ModelLanguage, Phrasebook>> = {
  en: {
    common: set(
      "the a an and or but if of to in on at by for from with without into over under about after before between during is are was were be been being has have had do does did will would can could may might must should this that these those it its they them their he she his her we our you your i my not no so than then there here what which who when where why how all any both each more most other some such only own same too very just also one two first new now even still every while because as up down out off again once says said"
    ),
    swaps: map(`researchers = scientists
      researcher = scientist
      found = discovered
      began = started
      begins = starts
      large = big
      small = little
      nearly = almost
      almost = nearly
      however = still
      near = close to
      several = a few
      showed = revealed
      built = put together
      study = paper
      quickly = fast
      important = key
      says = notes
      said = noted
      explains = points out
      called = known as
      often = frequently
      team = group
      whole = entire`),
    notTopic:
      /(?:ed|ing|ly|ous|ful|less|able|ish|n't)$|^(?:anything|nothing|nobody|another|usually|three|seven|eight|hundred|thousand|whole|across|around|their|which|would|could|almost|nearly|until|later|longer|heavier|cheaper|readers|minutes|seconds)$/,
    details: "In detail:",
    picture: (title) => `Illustration for the story “${title}”`
  },
  ru: {
    common: set(
      "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее её мне было вот от меня еще ещё нет о из ему теперь когда даже ну вдруг ли если уже или ни быть был него до вас нибудь опять уж вам ведь там потом себя ничего ей может они тут где есть надо ней для мы тебя их чем была сам чтоб без будто чего раз тоже себе под будет ж тогда кто этот того потому этого какой совсем ним здесь этом один почти мой тем чтобы нее сейчас были куда зачем всех никогда можно при наконец два об другой хоть после над больше тот через эти нас про всего них какая много разве три эту моя впрочем хорошо свою этой перед иногда лучше чуть том нельзя такой им более всегда конечно всю между это также которые который которая которое года году лет свои своих"
    ),
    swaps: map(`почти = едва ли не
      около = примерно
      сейчас = теперь
      сообщили = рассказали
      сообщила = рассказала
      сообщил = рассказал
      рассказали = сообщили
      рассказала = сообщила
      рассказал = сообщил
      открылся = начал работу
      открылась = начала работу
      жители = горожане
      жителей = горожан
      горожане = жители
      горожан = жителей
      большой = крупный
      большая = крупная
      маленький = небольшой
      появился = возник
      появилась = возникла
      появились = возникли
      обещают = планируют
      также = к тому же
      однако = при этом
      потому = оттого
      впервые = в первый раз
      нужно = следует
      бесплатно = без оплаты
      скоро = вскоре
      смогут = сумеют
      теперь = отныне`),
    notTopic:
      /(?:ть|ться|тся|лись|лся|лась|ли|ла|ло|ют|ут|ет|ит|ат|ят|ёт|ите|йте|ый|ий|ой|ая|яя|ое|ее|ые|ие|ого|его|ому|ему|ых|их|ыми|ими|ую|юю|но|ько|да|ри|ять|ём|ем|им|ше|сь)$|^(?:сегодня|вчера|завтра|около|после|через|больше|время|человек|первых|тысяч|говорят|метров|минут|неделю)$/,
    details: "Подробности:",
    picture: (title) => `Иллюстрация к заметке «${title}»`
  },
  es: {
    common: set(
      "de la que el en y a los del se las por un para con no una su al lo como más mas pero sus le ya o este sí si porque esta entre cuando muy sin sobre también tambien me hasta hay donde quien desde todo nos durante todos uno les ni contra otros ese eso ante ellos e esto mí antes algunos qué unos yo otro otras otra él tanto esa estos mucho quienes nada muchos cual poco ella estar estas algunas algo nosotros mi mis tú te ti tu tus es son fue era ser está están hace cada bien así solo sólo después dos tres"
    ),
    swaps: map(`añade = incorpora
      añadimos = incorporamos
      añadir = incorporar
      pequeño = chico
      pequeña = chica
      grande = amplio
      rápido = ligero
      también = además
      después = luego
      luego = después
      siempre = en todo momento
      casi = prácticamente
      sencillo = fácil
      sencilla = fácil
      fácil = sencillo
      truco = secreto
      secreto = truco
      hierve = cuece
      caliente = bien caliente
      muy = realmente
      comienza = empieza
      importante = clave`),
    notTopic:
      /(?:ando|iendo|ar|er|ir|aron|ieron|aba|ado|ada|ados|adas|ido|ida|amos|emos|imos|mente|ésimo)$|^(?:minutos|minuto|grados|gramos|cincuenta|cuarenta|treinta|veinte|siguiente|cuatro|cinco|diez|quince|sobre|todas|nueve|antes|misma|mismo|cucharada|media|siempre)$/,
    details: "Paso a paso:",
    picture: (title) => `Ilustración de la nota «${title}»`
  },
  de: {
    common: set(
      "der die das den dem des ein eine einen einem einer eines und oder aber wenn von zu zum zur in im an am auf bei für mit ohne aus über unter nach vor zwischen während ist sind war waren sein wird werden wurde wurden hat haben hatte hatten kann können konnte muss müssen soll sollen dieser diese dieses es sie er wir ihr ihn ihm uns euch ich nicht kein keine so als dann da hier was welche wer wo warum wie alle mehr noch nur auch schon sehr sich man durch um bis gegen seit sowie doch denn weil dass damit beim vom zwei drei erst jetzt wieder immer"
    ),
    swaps: map(`fast = beinahe
      beinahe = fast
      auch = ebenfalls
      wieder = erneut
      große = mächtige
      großen = mächtigen
      kleine = überschaubare
      kleinen = überschaubaren
      zeigte = bewies
      sagte = erklärte
      sagt = erklärt
      begann = startete
      beginnt = startet
      mannschaft = elf
      trainer = coach
      fans = anhänger
      viele = zahlreiche
      sofort = umgehend
      schnell = zügig
      ungefähr = etwa
      etwa = rund
      rund = etwa
      immer = stets
      allerdings = jedoch
      jedoch = allerdings
      erhielt = bekam
      bekam = erhielt
      jetzt = nun
      nun = jetzt
      schließlich = am ende
      wichtig = bedeutsam`),
    notTopic: /^(?:[a-zäöüß])|^(?:Minuten|Uhr|Jahren|Stunde|Meter|Prozent|Punkten)$/,
    details: "Im Einzelnen:",
    picture: (title) => `Illustration zum Beitrag „${title}“`
  }
}

/** The language whose common words a text uses most; Cyrillic is Russian, and English when nothing tells. */
export const languageOf = (text: string): ModelLanguage => {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  if (words.filter((word) => /\p{Script=Cyrillic}/u.test(word)).length * 2 > words.length) return "ru"
  const score = (language: ModelLanguage) => words.filter((word) => phrasebooks[language].common.has(word)).length
  return (["en", "es", "de"] as const).reduce((best, next) => (score(next) > score(best) ? next : best), "en")
}
