/** TIFF files written by hand (TIFF 6.0): also such as no program would write. */

/** Fields of a directory by tag; each a LONG, or several. */
export type TiffFields = Readonly<Record<number, number | ReadonlyArray<number>>>

/** Tags of the fields that every picture has. */
export const tiffTag = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  stripBytes: 279
} as const

/**
 * A file whose directories follow each other, the last one pointing to `next` (0: nowhere); pixels come at byte 8.
 */
export const tiffOf = (directories: ReadonlyArray<TiffFields>, pixels: Uint8Array, next = 0): Buffer => {
  const parts: Array<Buffer> = [Buffer.from(pixels), Buffer.alloc(pixels.length % 2)]
  let at = 8 + parts[0]!.length + parts[1]!.length
  const first = at
  for (const [index, fields] of directories.entries()) {
    const entries = Object.entries(fields).sort(([a], [b]) => Number(a) - Number(b))
    const head = Buffer.alloc(2 + entries.length * 12 + 4)
    const extra: Array<Buffer> = []
    let free = at + head.length
    head.writeUInt16LE(entries.length)
    for (const [place, [tag, value]] of entries.entries()) {
      const values = typeof value === "number" ? [value] : value
      const where = 2 + place * 12
      head.writeUInt16LE(Number(tag), where)
      head.writeUInt16LE(4, where + 2)
      head.writeUInt32LE(values.length, where + 4)
      if (values.length === 1) head.writeUInt32LE(values[0]! >>> 0, where + 8)
      else {
        head.writeUInt32LE(free, where + 8)
        const words = Buffer.alloc(values.length * 4)
        for (const [nth, word] of values.entries()) words.writeUInt32LE(word >>> 0, nth * 4)
        extra.push(words)
        free += words.length
      }
    }
    head.writeUInt32LE(index === directories.length - 1 ? next : free, head.length - 4)
    parts.push(head, ...extra)
    at = free
  }
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])
  header.writeUInt32LE(first, 4)
  return Buffer.concat([header, ...parts])
}

/** The fields of an uncompressed picture in one strip at byte 8. */
export const plainTiff = (width: number, height: number, samples = 3): TiffFields => ({
  [tiffTag.width]: width,
  [tiffTag.height]: height,
  [tiffTag.bits]: Array.from({ length: samples }, () => 8),
  [tiffTag.compression]: 1,
  [tiffTag.photometric]: samples < 3 ? 1 : 2,
  [tiffTag.stripOffsets]: 8,
  [tiffTag.samples]: samples,
  [tiffTag.rowsPerStrip]: height,
  [tiffTag.stripBytes]: width * height * samples
})
