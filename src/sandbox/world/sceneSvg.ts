/**
 * Scenes of the sandbox as SVG text: a sky, a subject and a foreground, chosen by seed. They stand
 * in for the photos of channels and for generated illustrations.
 */
import type { SeededRandom } from "./SeededRandom.ts"
import { seededRandom } from "./SeededRandom.ts"

/** What a scene shows. */
export type SceneSubject = "city" | "food" | "football" | "science" | "nature" | "abstract"

/** A scene to draw: pixels, subject and the seed that decides everything else. */
export interface Scene {
  readonly subject: SceneSubject
  readonly width: number
  readonly height: number
  readonly seed: string
}

/** Sky, middle, light, pale, accent. */
type Palette = readonly [string, string, string, string, string]

const palettes: readonly [Palette, ...ReadonlyArray<Palette>] = [
  ["#0f2b46", "#2f6690", "#f4a259", "#f8f1e5", "#bc4b51"],
  ["#1b4332", "#52b788", "#ffd166", "#fefae0", "#bc6c25"],
  ["#2d1e2f", "#7b5e7b", "#f7b267", "#fff3e0", "#e4572e"],
  ["#102a43", "#627d98", "#f0b429", "#f0f4f8", "#de911d"],
  ["#264653", "#2a9d8f", "#e9c46a", "#fdf6e3", "#e76f51"],
  ["#3a0ca3", "#4895ef", "#f9c74f", "#f1f5f9", "#f72585"]
]

const n = (value: number) => value.toFixed(1)

const times = (count: number, draw: (i: number) => string) => Array.from({ length: count }, (_, i) => draw(i)).join("")

const circle = (x: number, y: number, r: number, fill: string, opacity = 1) =>
  `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill}" opacity="${opacity}"/>`

const rect = (x: number, y: number, w: number, h: number, fill: string, opacity = 1, rx = 0) =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" rx="${n(rx)}" fill="${fill}" opacity="${opacity}"/>`

const ellipse = (x: number, y: number, rx: number, ry: number, fill: string, opacity = 1) =>
  `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(rx)}" ry="${n(ry)}" fill="${fill}" opacity="${opacity}"/>`

const hills = (w: number, h: number, random: SeededRandom, fill: string, base: number) => {
  const top = () => h * (base + random.between(-0.06, 0.06))
  return `<path d="M0 ${n(top())} C ${n(w * 0.25)} ${n(top())} ${n(w * 0.35)} ${n(top())} ${n(w * 0.5)} ${n(top())} S ${n(w * 0.8)} ${n(top())} ${n(w)} ${n(top())} L ${w} ${h} L 0 ${h} Z" fill="${fill}"/>`
}

const city = (w: number, h: number, random: SeededRandom, p: Palette) => {
  const tower = (i: number, count: number, fill: string, low: number) => {
    const tw = w / count
    const th = h * random.between(low, low + 0.3)
    const x = i * tw
    const windows = times(6, (row) =>
      times(3, (column) =>
        random.next() < 0.45
          ? rect(x + tw * (0.18 + column * 0.26), h - th + 12 + row * th * 0.13, tw * 0.12, th * 0.05, p[2], 0.85)
          : ""
      )
    )
    return rect(x, h - th, tw * 0.92, th, fill) + windows
  }
  return (
    times(9, (i) => tower(i, 9, p[1], 0.25)) +
    times(6, (i) => tower(i, 6, p[0], 0.12)) +
    rect(0, h * 0.93, w, h * 0.07, p[0])
  )
}

const food = (w: number, h: number, random: SeededRandom, p: Palette) => {
  const r = Math.min(w, h) * 0.34
  const [x, y] = [w / 2, h * 0.55]
  const plate =
    ellipse(x, y + r * 0.12, r * 1.2, r * 1.08, "#000000", 0.18) +
    circle(x, y, r * 1.15, "#ffffff") +
    circle(x, y, r * 0.95, p[3])
  const bits = times(26, () => {
    const angle = random.between(0, 6.28)
    const d = r * 0.72 * Math.sqrt(random.next())
    return circle(
      x + d * Math.cos(angle),
      y + d * Math.sin(angle),
      r * random.between(0.06, 0.2),
      random.pick([p[2], p[4], p[1], "#8ab17d"]),
      0.95
    )
  })
  return rect(0, h * 0.35, w, h * 0.65, p[4], 0.35) + plate + bits
}

const football = (w: number, h: number, random: SeededRandom, p: Palette) => {
  const grass = times(8, (i) => rect((i * w) / 8, h * 0.55, w / 8, h * 0.45, i % 2 === 0 ? "#2d8a4e" : "#37a05c"))
  const crowd = times(180, () =>
    circle(
      random.between(0, w),
      random.between(h * 0.3, h * 0.55),
      w * 0.008,
      random.pick([p[2], p[4], p[3], p[1]]),
      0.8
    )
  )
  const bx = random.between(w * 0.25, w * 0.75)
  const by = h * random.between(0.68, 0.85)
  const r = Math.min(w, h) * 0.07
  const goal = `<path d="M ${n(w * 0.3)} ${n(h * 0.62)} V ${n(h * 0.38)} H ${n(w * 0.7)} V ${n(h * 0.62)}" fill="none" stroke="#ffffff" stroke-width="${n(w * 0.008)}"/>`
  return (
    rect(0, h * 0.3, w, h * 0.25, p[0]) +
    crowd +
    grass +
    goal +
    ellipse(bx, by + r, r, r * 0.3, "#000000", 0.3) +
    circle(bx, by, r, "#ffffff") +
    circle(bx, by, r * 0.38, "#222222")
  )
}

const science = (w: number, h: number, random: SeededRandom, p: Palette) => {
  const stars = times(140, () =>
    circle(random.between(0, w), random.between(0, h), random.between(0.6, 2.6), "#ffffff", 0.8)
  )
  const r = Math.min(w, h) * random.between(0.18, 0.28)
  const [x, y] = [w * random.between(0.35, 0.65), h * random.between(0.4, 0.6)]
  const rings = times(
    3,
    (i) =>
      `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(r * (1.5 + i * 0.25))}" ry="${n(r * (0.35 + i * 0.07))}" fill="none" stroke="${p[2]}" stroke-width="${n(r * 0.04)}" opacity="0.7" transform="rotate(${n(random.between(-24, -8))} ${n(x)} ${n(y)})"/>`
  )
  return (
    rect(0, 0, w, h, p[0], 0.75) +
    stars +
    circle(x, y, r, p[1]) +
    circle(x - r * 0.25, y - r * 0.25, r * 0.6, p[3], 0.18) +
    rings
  )
}

const nature = (w: number, h: number, random: SeededRandom, p: Palette) => {
  const tree = (x: number, y: number, s: number) =>
    rect(x - s * 0.06, y, s * 0.12, s * 0.35, "#5c4033") +
    circle(x, y - s * 0.1, s * 0.32, p[2]) +
    circle(x + s * 0.14, y + s * 0.05, s * 0.24, "#8ab17d", 0.9)
  return (
    hills(w, h, random, p[1], 0.55) +
    hills(w, h, random, p[0], 0.72) +
    times(5, () => tree(random.between(0, w), h * random.between(0.6, 0.8), h * random.between(0.16, 0.3)))
  )
}

const abstract = (w: number, h: number, random: SeededRandom, p: Palette) =>
  times(9, () =>
    circle(
      random.between(0, w),
      random.between(0, h),
      Math.min(w, h) * random.between(0.08, 0.34),
      random.pick([p[1], p[2], p[3], p[4]]),
      0.45
    )
  ) + hills(w, h, random, p[0], 0.78)

const subjects: Readonly<Record<SceneSubject, (w: number, h: number, random: SeededRandom, p: Palette) => string>> = {
  city,
  food,
  football,
  science,
  nature,
  abstract
}

/** The scene as an SVG document of exactly `width` × `height` pixels; the same scene gives the same text. */
export const sceneSvg = ({ subject, width, height, seed }: Scene): string => {
  const random = seededRandom(seed)
  const p = random.pick(palettes)
  const sun = circle(
    width * random.between(0.15, 0.85),
    height * random.between(0.12, 0.3),
    Math.min(width, height) * 0.09,
    p[2],
    0.9
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<defs><linearGradient id="sky" x1="0" y1="0" x2="${random.next().toFixed(2)}" y2="1"><stop offset="0" stop-color="${p[1]}"/><stop offset="1" stop-color="${p[3]}"/></linearGradient></defs>` +
    `<rect width="${width}" height="${height}" fill="url(#sky)"/>${sun}${subjects[subject](width, height, random, p)}</svg>`
  )
}

const subjectWords: ReadonlyArray<readonly [SceneSubject, RegExp]> = [
  ["football", /football|soccer|fu(?:ß|ss)ball|tor\b|spiel|verein|stadion|trainer|матч|футбол/iu],
  ["food", /recipe|cook|receta|cocina|horno|salsa|aceite|pan\b|sopa|tomate|рецепт|кухн|food/iu],
  ["science", /planet|star|orbit|galaxy|telescope|moon|asteroid|science|particle|laser|космос|наук/iu],
  ["nature", /forest|tree|bird|river|garden|park|ocean|sea|coral|bee|lake|wald|лес|парк|озер|птиц|сад/iu],
  ["city", /city|street|bridge|tram|building|метро|город|мост|улиц|трамва|набережн|stadt|ciudad/iu]
]

/** The subject that the words of a prompt suggest; `abstract` when none does. */
export const subjectOf = (prompt: string): SceneSubject =>
  subjectWords.find(([, words]) => words.test(prompt))?.[0] ?? "abstract"
