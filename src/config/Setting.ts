/**
 * One key of the environment: what it means, what it looks like, what it is
 * when nobody sets it. `.env.example` is written from these, and a wrong value
 * stops the start with the key, the shape and an example.
 */
import { Config, Data, Duration, Effect, Option, Redacted } from "effect"

export interface Setting<A> {
  readonly key: string
  /** What it is and what follows from it, in one or two lines. */
  readonly about: string
  /** What a value looks like. */
  readonly shape: string
  readonly example: string
  /** The value when it is not set, as text; empty for none. */
  readonly fallback: string
  /** The value a text stands for; undefined where it stands for none. */
  readonly parse: (text: string) => A | undefined
}

/** A key has a value that cannot be used. */
export class SettingRefused extends Data.TaggedError("SettingRefused")<{
  readonly key: string
  readonly shape: string
  readonly example: string
}> {
  override get message() {
    return `${this.key} must be ${this.shape}, for example ${this.key}=${this.example}`
  }
}

/** The value of a setting. An empty one counts as not set, so that `.env.example` may be copied whole. */
export const read = <A>(setting: Setting<A>): Effect.Effect<A, SettingRefused> =>
  Effect.gen(function* () {
    const { key, shape, example } = setting
    const given = yield* Config.withDefault(Config.String(key), "").pipe(
      Effect.mapError(() => new SettingRefused({ key, shape, example }))
    )
    const value = setting.parse(given.trim() === "" ? setting.fallback : given.trim())
    return value === undefined ? yield* new SettingRefused({ key, shape, example }) : value
  })

type Description = Omit<Setting<unknown>, "parse">

/** Any text. */
export const text = (of: Description): Setting<string> => ({ ...of, parse: (value) => value })

/** A text that may be missing. */
export const optional = (of: Omit<Description, "fallback">): Setting<string | null> => ({
  ...of,
  fallback: "",
  parse: (value) => (value === "" ? null : value)
})

/** A secret that may be missing; it shows nowhere. */
export const secret = (of: Omit<Description, "fallback">): Setting<Redacted.Redacted | null> => ({
  ...of,
  fallback: "",
  parse: (value) => (value === "" ? null : Redacted.make(value))
})

/** A whole number between two bounds, both included. */
export const whole = (of: Omit<Description, "shape">, minimum: number, maximum: number): Setting<number> => ({
  ...of,
  shape: `a whole number from ${minimum} to ${maximum}`,
  parse: (value) => {
    const number = Number(value)
    return /^\d+$/.test(value) && number >= minimum && number <= maximum ? number : undefined
  }
})

/** A length of time; the value is in milliseconds. */
export const time = (of: Omit<Description, "shape" | "example">): Setting<number> => ({
  ...of,
  shape: "a length of time",
  example: of.fallback === "" ? "30 seconds" : of.fallback,
  parse: (value) => {
    const duration = Duration.fromInput(value as Duration.Input)
    const ms = Option.isSome(duration) ? Duration.toMillis(duration.value) : Number.NaN
    return Number.isFinite(ms) && ms >= 0 ? ms : undefined
  }
})

/** One of some words. */
export const word = <A extends string>(of: Omit<Description, "shape">, words: ReadonlyArray<A>): Setting<A> => ({
  ...of,
  shape: `one of ${words.join(", ")}`,
  parse: (value) => words.find((known) => known === value)
})
