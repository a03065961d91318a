/** What an export says of an item: the same fields in CSV, where a line is flat, and in JSON. */

/** An item as exports describe it. */
export interface Listed {
  readonly id: string
  /** Its place in the export, as that of its file in a ZIP. */
  readonly path: string
  readonly name: string
  readonly type: string
  readonly owner: string
  /** Its own. */
  readonly tags: ReadonlyArray<string>
  /** Its own and those of everything above it. */
  readonly effectiveTags: ReadonlyArray<string>
  /** RFC 3339; null where nobody knows. */
  readonly createdAt: string | null
  /** Its file; null where it has none. */
  readonly content: ListedContent | null
}

export interface ListedContent {
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly type: string
  /** Pixels of the picture, upright. */
  readonly width: number | null
  readonly height: number | null
  /** What the camera wrote. */
  readonly exif: Readonly<Record<string, unknown>>
}

/** The columns of a CSV, in their order. */
export const columns = [
  "id",
  "path",
  "name",
  "type",
  "owner",
  "tags",
  "effective_tags",
  "created_at",
  "media_type",
  "size",
  "sha256",
  "width",
  "height",
  "taken_at",
  "camera_make",
  "camera_model",
  "lens",
  "exposure_seconds",
  "f_number",
  "iso",
  "focal_length_mm",
  "latitude",
  "longitude",
  "altitude"
] as const

type Cell = string | number | null

const cellOf = (value: unknown): Cell => (typeof value === "string" || typeof value === "number" ? value : null)

/** One line of the CSV. Tags hold no commas, so a list of them can be read again. */
export const cellsOf = ({ content, ...item }: Listed): ReadonlyArray<Cell> => {
  const exif = content?.exif ?? {}
  const position = (exif["position"] ?? {}) as Readonly<Record<string, unknown>>
  return [
    item.id,
    item.path,
    item.name,
    item.type,
    item.owner,
    item.tags.join(", "),
    item.effectiveTags.join(", "),
    item.createdAt,
    content?.type ?? null,
    content?.size ?? null,
    content?.sha256 ?? null,
    content?.width ?? null,
    content?.height ?? null,
    cellOf(exif["takenAt"]),
    cellOf(exif["make"]),
    cellOf(exif["model"]),
    cellOf(exif["lens"]),
    cellOf(exif["exposureSeconds"]),
    cellOf(exif["fNumber"]),
    cellOf(exif["iso"]),
    cellOf(exif["focalLengthMm"]),
    cellOf(position["latitude"]),
    cellOf(position["longitude"]),
    cellOf(position["altitude"])
  ]
}

/** EXIF as others than the owner may have it: where a picture was taken is private. */
export const withoutPosition = ({
  position: _private,
  ...exif
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => exif
