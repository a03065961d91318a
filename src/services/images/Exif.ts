/**
 * Reads the few EXIF fields Postroom uses out of a picture's EXIF block: when, with what, and which way
 * up. The block comes from strangers, so every offset is checked, nothing is followed twice, and a field
 * that makes no sense is left out. Layout: TIFF 6.0 and EXIF 2.32 (CIPA DC-008).
 */

/** What a camera wrote. `orientation` is 1–8 as EXIF counts; `position` is in degrees and metres. */
export interface Exif {
  readonly orientation?: number
  readonly make?: string
  readonly model?: string
  readonly lens?: string
  readonly software?: string
  /** Local time of the exposure, `YYYY-MM-DDTHH:MM:SS`, with its offset (`+03:00`) where the camera knew it. */
  readonly takenAt?: string
  readonly exposureSeconds?: number
  readonly fNumber?: number
  readonly iso?: number
  readonly focalLengthMm?: number
  /** Where it was taken. Private: only kept where it is asked for. */
  readonly position?: { readonly latitude: number; readonly longitude: number; readonly altitude?: number }
}

type Value = string | ReadonlyArray<number>
type Directory = ReadonlyMap<number, Value>

/** Bytes per value of the TIFF types we read; others are skipped. */
const sizes: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 9: 4, 10: 8 }
const mostEntries = 200
const longestText = 200

const readDirectory = (view: DataView, little: boolean, at: number): Directory => {
  const fields = new Map<number, Value>()
  if (at < 8 || at + 2 > view.byteLength) return fields
  const count = Math.min(view.getUint16(at, little), mostEntries)
  for (let entry = at + 2; entry < at + 2 + count * 12 && entry + 12 <= view.byteLength; entry += 12) {
    const type = view.getUint16(entry + 2, little)
    const length = view.getUint32(entry + 4, little)
    const size = sizes[type]
    if (size === undefined || length === 0 || length > view.byteLength) continue
    const from = size * length <= 4 ? entry + 8 : view.getUint32(entry + 8, little)
    if (from + size * length > view.byteLength) continue
    const value = type === 2 ? readText(view, from, length) : readNumbers(view, little, type, from, length)
    fields.set(view.getUint16(entry, little), value)
  }
  return fields
}

const readText = (view: DataView, from: number, length: number): string =>
  Buffer.from(view.buffer, view.byteOffset + from, Math.min(length, longestText))
    .toString("utf8")
    .split("\0", 1)[0]
    // oxlint-disable-next-line no-control-regex -- control characters are what has to go
    ?.replace(/[\u0000-\u001f\u007f]/g, " ")
    .trim() ?? ""

const readNumbers = (view: DataView, little: boolean, type: number, from: number, length: number) => {
  const read = (at: number): number => {
    switch (type) {
      case 1:
        return view.getUint8(at)
      case 3:
        return view.getUint16(at, little)
      case 4:
        return view.getUint32(at, little)
      case 9:
        return view.getInt32(at, little)
      case 5:
        return view.getUint32(at, little) / view.getUint32(at + 4, little)
      default:
        return view.getInt32(at, little) / view.getInt32(at + 4, little)
    }
  }
  return Array.from({ length: Math.min(length, 8) }, (_, index) => read(from + index * (sizes[type] ?? 1)))
}

const text = (directory: Directory, tag: number): string | undefined => {
  const value = directory.get(tag)
  return typeof value === "string" && value !== "" ? value : undefined
}

/** A finite number between the bounds that a camera can mean. */
const number = (directory: Directory, tag: number, least: number, most: number): number | undefined => {
  const value = directory.get(tag)
  const first = typeof value === "string" ? undefined : value?.[0]
  return first !== undefined && first >= least && first <= most ? first : undefined
}

const takenAt = (directory: Directory): string | undefined => {
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text(directory, 0x9003) ?? "")
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  if (year === "0000" || Number.isNaN(Date.parse(`${local}Z`))) return undefined
  const offset = /^[+-]\d\d:\d\d$/.exec(text(directory, 0x9011) ?? "")?.[0] ?? ""
  return local + offset
}

/** Degrees, minutes and seconds with a letter for the hemisphere. */
const degrees = (directory: Directory, tag: number, negative: string, most: number): number | undefined => {
  const value = directory.get(tag)
  if (value === undefined || typeof value === "string" || value.length < 3) return undefined
  const [whole = Number.NaN, minutes = Number.NaN, seconds = Number.NaN] = value
  const angle = whole + minutes / 60 + seconds / 3600
  if (!(angle >= 0 && angle <= most)) return undefined
  const signed = text(directory, tag - 1) === negative ? -angle : angle
  return Math.round(signed * 1e6) / 1e6
}

const position = (directory: Directory): Exif["position"] => {
  const latitude = degrees(directory, 2, "S", 90)
  const longitude = degrees(directory, 4, "W", 180)
  if (latitude === undefined || longitude === undefined) return undefined
  const height = number(directory, 6, 0, 100_000)
  const below = number(directory, 5, 1, 1) === 1
  return { latitude, longitude, ...(height === undefined ? {} : { altitude: below ? -height : height }) }
}

type Loose = { [Field in keyof Exif]: Exif[Field] | undefined }
const present = (fields: Loose): Exif =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** The fields of `block`, which starts with `Exif\0\0` or with the TIFF header; `{}` where there is nothing sound. */
export const readExif = (block: Uint8Array, keepPosition: boolean): Exif => {
  const start = Buffer.from(block.subarray(0, 6)).toString("latin1") === "Exif\0\0" ? 6 : 0
  const view = new DataView(block.buffer, block.byteOffset + start, block.byteLength - start)
  if (view.byteLength < 8) return {}
  const order = view.getUint16(0)
  if (order !== 0x4949 && order !== 0x4d4d) return {}
  const little = order === 0x4949
  const image = readDirectory(view, little, view.getUint32(4, little))
  const below = (tag: number) => readDirectory(view, little, number(image, tag, 8, view.byteLength) ?? 0)
  const photo = below(0x8769)
  return present({
    orientation: number(image, 0x0112, 1, 8),
    make: text(image, 0x010f),
    model: text(image, 0x0110),
    software: text(image, 0x0131),
    lens: text(photo, 0xa434),
    takenAt: takenAt(photo),
    exposureSeconds: number(photo, 0x829a, 1e-6, 86_400),
    fNumber: number(photo, 0x829d, 0.1, 1_000),
    iso: number(photo, 0x8827, 1, 10_000_000),
    focalLengthMm: number(photo, 0x920a, 0.1, 10_000),
    position: keepPosition ? position(below(0x8825)) : undefined
  })
}
