/** The people of the demo: what each of them reads, where it is published, and in which manner. */

/** A place a user collects from. */
export type DemoSource =
  | { readonly kind: "telegram"; readonly username: string }
  /** `name` of a feed of the demo. */
  | { readonly kind: "feed"; readonly name: string }

/** A user of the demo. */
export interface DemoUser {
  readonly id: string
  readonly name: string
  readonly language: string
  readonly sources: ReadonlyArray<DemoSource>
  /** Username of the target channel. */
  readonly target: string
  /** How the posts should sound: goes into the rewriter's instructions. */
  readonly style: string
}

/** The channels the demo publishes to. */
export const demoTargets = [
  { id: "1700000101", username: "zarechye_briefly", title: "Заречье коротко" },
  { id: "1700000102", username: "field_and_table", title: "Field & Table" }
] as const

const telegram = (username: string): DemoSource => ({ kind: "telegram", username })
const feed = (name: string): DemoSource => ({ kind: "feed", name })

/** Three users; Ben and Carla publish to the same channel. */
export const demoUsers: ReadonlyArray<DemoUser> = [
  {
    id: "anna",
    name: "Анна",
    language: "ru",
    sources: [telegram("zarechinsk_city"), telegram("zarechye_digest"), feed("vestnik")],
    target: "zarechye_briefly",
    style: "Коротко и тепло, как соседке по лестнице. Сначала главное, потом одна живая деталь."
  },
  {
    id: "ben",
    name: "Ben",
    language: "en",
    sources: [telegram("plainsky_lab"), feed("open-bench")],
    target: "field_and_table",
    style: "Plain words, one finding per post, no exclamation marks. Say how it was measured."
  },
  {
    id: "carla",
    name: "Carla",
    language: "es",
    sources: [telegram("cocina_de_rosa"), telegram("nordkurve_news"), telegram("falkenried_fans")],
    target: "field_and_table",
    style: "Breve y con humor, en el idioma de la fuente: las recetas en español, el fútbol en alemán."
  }
]
