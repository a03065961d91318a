/**
 * Reads a ZIP by its central directory, as its format's specification has it (PKWARE's APPNOTE 6.3, Zip64 included), and
 * checks what it says of each file; and asks the programs of the machine that know ZIPs, where there are any.
 */
import { spawnSync } from "node:child_process"
import { crc32, inflateRawSync } from "node:zlib"

export interface UnzippedEntry {
  readonly name: string
  readonly bytes: Buffer
  /** 0 is stored, 8 deflated. */
  readonly method: number
  readonly isUtf8: boolean
  /** By the clock of whoever packed it, as `YYYY-MM-DDTHH:MM:SS`. */
  readonly at: string
}

const two = (number: number) => String(number).padStart(2, "0")

const timeOf = (dos: number): string =>
  `${(dos >>> 25) + 1980}-${two((dos >>> 21) & 15)}-${two((dos >>> 16) & 31)}T${two((dos >>> 11) & 31)}:${two((dos >>> 5) & 63)}:${two((dos & 31) * 2)}`

const wide = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at))

/** Where the directory is and how many entries it has. */
const directoryOf = (zip: Buffer) => {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"))
  if (end === -1) throw new Error("there is no end of a ZIP")
  const locator = end - 20
  if (locator >= 0 && zip.readUInt32LE(locator) === 0x07064b50) {
    const record = wide(zip, locator + 8)
    if (zip.readUInt32LE(record) !== 0x06064b50) throw new Error("the Zip64 record is elsewhere")
    return { count: wide(zip, record + 32), at: wide(zip, record + 48), isZip64: true }
  }
  return { count: zip.readUInt16LE(end + 10), at: zip.readUInt32LE(end + 16), isZip64: false }
}

/** All entries, in the order of the directory, their bytes checked; throws where anything is wrong. */
export const unzip = (zip: Buffer): { readonly entries: ReadonlyArray<UnzippedEntry>; readonly isZip64: boolean } => {
  const { count, at, isZip64 } = directoryOf(zip)
  const entries: Array<UnzippedEntry> = []
  let place = at
  for (let n = 0; n < count; n++) {
    if (zip.readUInt32LE(place) !== 0x02014b50) throw new Error(`entry ${n} is not where it should be`)
    const [flags, method, dos, sum] = [
      zip.readUInt16LE(place + 8),
      zip.readUInt16LE(place + 10),
      zip.readUInt32LE(place + 12),
      zip.readUInt32LE(place + 16)
    ]
    const [packed, size, nameLength, extraLength, commentLength, local] = [
      zip.readUInt32LE(place + 20),
      zip.readUInt32LE(place + 24),
      zip.readUInt16LE(place + 28),
      zip.readUInt16LE(place + 30),
      zip.readUInt16LE(place + 32),
      zip.readUInt32LE(place + 42)
    ]
    const name = zip.toString("utf8", place + 46, place + 46 + nameLength)
    if (zip.readUInt32LE(local) !== 0x04034b50) throw new Error(`${name} is not where the directory says`)
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const raw = zip.subarray(begin, begin + packed)
    const bytes = method === 8 ? inflateRawSync(raw) : Buffer.from(raw)
    if (bytes.length !== size) throw new Error(`${name} has ${bytes.length} bytes and not ${size}`)
    if (crc32(bytes) !== sum) throw new Error(`${name} has another checksum`)
    entries.push({ name, bytes, method, isUtf8: (flags & 0x800) !== 0, at: timeOf(dos) })
    place += 46 + nameLength + extraLength + commentLength
  }
  return { entries, isZip64 }
}

/** What programs of the machine say against the ZIP in `file`; nothing where there are none, or where it is well. */
export const complaintsOf = (file: string): ReadonlyArray<string> =>
  [
    ["unzip", "-tq", file],
    ["python3", "-c", "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip())", file]
  ].flatMap(([program = "", ...args]) => {
    const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" })
    return error !== undefined || status === 0 ? [] : [`${program}: ${stdout}${stderr}`]
  })
