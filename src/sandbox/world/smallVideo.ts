/**
 * A short video as real MP4 bytes, without an encoder: H.264 baseline where every macroblock is
 * stored as plain samples (I_PCM), boxed by hand. Large for its length, but any player takes it.
 * Source: ITU-T H.264 §7.3 (syntax), ISO/IEC 14496-12 and -15 (boxes).
 */
import { seededRandom } from "./SeededRandom.ts"

/** Size, length and seed of a video. Width and height are multiples of 16. */
export interface SmallVideo {
  readonly width: number
  readonly height: number
  readonly frames: number
  readonly framesPerSecond: number
  readonly seed: string
}

const bitWriter = () => {
  const bytes: Array<number> = []
  let held = 0
  let count = 0
  const bit = (value: number) => {
    held = (held << 1) | value
    if (++count === 8) {
      bytes.push(held)
      held = 0
      count = 0
    }
  }
  const bits = (value: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) bit((value >>> i) & 1)
  }
  return {
    bits,
    /** Exp-Golomb code, unsigned. */
    ue: (value: number) => {
      const length = 32 - Math.clz32(value + 1)
      bits(0, length - 1)
      bits(value + 1, length)
    },
    alignZero: () => {
      if (count > 0) bits(0, 8 - count)
    },
    trail: () => {
      bit(1)
      if (count > 0) bits(0, 8 - count)
    },
    raw: (samples: ArrayLike<number>) => {
      for (let i = 0; i < samples.length; i++) bytes.push(samples[i] ?? 0)
    },
    bytes
  }
}

/** A NAL unit with the emulation prevention byte wherever two zeros would be followed by 0–3. */
const nal = (header: number, payload: ReadonlyArray<number>): Buffer => {
  const out = [header]
  let zeros = 0
  for (const byte of payload) {
    if (zeros === 2 && byte <= 3) {
      out.push(3)
      zeros = 0
    }
    out.push(byte)
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return Buffer.from(out)
}

const sequenceParameters = (width: number, height: number): Buffer => {
  const w = bitWriter()
  w.raw([66, 0xc0, 30]) // constrained baseline, level 3
  w.ue(0) // id
  w.ue(0) // log2_max_frame_num - 4
  w.ue(2) // picture order = decoding order
  w.ue(0) // reference frames
  w.bits(0, 1)
  w.ue(width / 16 - 1)
  w.ue(height / 16 - 1)
  w.bits(0b1100, 4) // frames only, direct 8x8, no cropping, no VUI
  w.trail()
  return nal(0x67, w.bytes)
}

const pictureParameters = (): Buffer => {
  const w = bitWriter()
  w.ue(0)
  w.ue(0)
  w.bits(0, 2) // CAVLC
  w.ue(0)
  w.ue(0)
  w.ue(0)
  w.bits(0, 3) // no weighted prediction
  w.ue(0)
  w.ue(0)
  w.ue(0) // qp, qs, chroma offset: se(0) = ue(0)
  w.bits(0b100, 3) // deblocking control in the slice header
  w.trail()
  return nal(0x68, w.bytes)
}

type Painter = (x: number, y: number) => readonly [number, number, number]

const idrSlice = (width: number, height: number, index: number, paint: Painter): Buffer => {
  const w = bitWriter()
  w.ue(0)
  w.ue(7) // every slice of the picture is I
  w.ue(0)
  w.bits(0, 4) // frame_num
  w.ue(index % 2) // idr_pic_id differs between neighbours
  w.bits(0, 2)
  w.ue(0) // slice_qp_delta
  w.ue(1) // no deblocking
  for (let my = 0; my < height; my += 16)
    for (let mx = 0; mx < width; mx += 16) {
      w.ue(25) // I_PCM
      w.alignZero()
      w.raw(Array.from({ length: 256 }, (_, i) => paint(mx + (i % 16), my + (i >> 4))[0]))
      for (const plane of [1, 2] as const)
        w.raw(Array.from({ length: 64 }, (_, i) => paint(mx + (i % 8) * 2, my + (i >> 3) * 2)[plane]))
    }
  w.trail()
  return nal(0x65, w.bytes)
}

const u16 = (value: number) => [(value >>> 8) & 255, value & 255]
const u32 = (value: number) => [(value >>> 24) & 255, ...u16(value >>> 16).slice(1), ...u16(value)]
const zeros = (length: number) => Array.from({ length }, () => 0)

const box = (name: string, ...parts: ReadonlyArray<Uint8Array | ReadonlyArray<number>>): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from(u32(body.length + 8)), Buffer.from(name, "latin1"), body])
}

const matrix = [...u32(0x10000), ...zeros(12), ...u32(0x10000), ...zeros(12), ...u32(0x40000000)]

const movie = (
  video: SmallVideo,
  sizes: ReadonlyArray<number>,
  sps: Buffer,
  pps: Buffer,
  dataOffset: number
): Buffer => {
  const { width, height, frames, framesPerSecond } = video
  const duration = u32(frames)
  const scale = u32(framesPerSecond)
  const avcC = box("avcC", [1, 66, 0xc0, 30, 0xff, 0xe1, ...u16(sps.length)], sps, [1, ...u16(pps.length)], pps)
  const avc1 = box(
    "avc1",
    [
      ...zeros(6),
      ...u16(1),
      ...zeros(16),
      ...u16(width),
      ...u16(height),
      ...u32(0x480000),
      ...u32(0x480000),
      ...zeros(4),
      ...u16(1)
    ],
    [...zeros(32), ...u16(24), 0xff, 0xff],
    avcC
  )
  const table = box(
    "stbl",
    box("stsd", [...zeros(4), ...u32(1)], avc1),
    box("stts", [...zeros(4), ...u32(1), ...u32(frames), ...u32(1)]),
    box("stsc", [...zeros(4), ...u32(1), ...u32(1), ...u32(frames), ...u32(1)]),
    box("stsz", [...zeros(8), ...u32(frames), ...sizes.flatMap(u32)]),
    box("stco", [...zeros(4), ...u32(1), ...u32(dataOffset)])
  )
  const reference = box("dinf", box("dref", [...zeros(4), ...u32(1)], box("url ", [0, 0, 0, 1])))
  const media = box(
    "mdia",
    box("mdhd", [...zeros(12), ...scale, ...duration, 0x55, 0xc4, 0, 0]),
    box("hdlr", [...zeros(8)], Buffer.from("vide"), [...zeros(12)], Buffer.from("video\0")),
    box("minf", box("vmhd", [0, 0, 0, 1, ...zeros(8)]), reference, table)
  )
  const track = box(
    "tkhd",
    [0, 0, 0, 7, ...zeros(8), ...u32(1), ...zeros(4), ...duration, ...zeros(16), ...matrix],
    [...u32(width * 0x10000), ...u32(height * 0x10000)]
  )
  const header = box("mvhd", [
    ...zeros(12),
    ...scale,
    ...duration,
    ...u32(0x10000),
    1,
    0,
    ...zeros(10),
    ...matrix,
    ...zeros(24),
    ...u32(2)
  ])
  return box("moov", header, box("trak", track, media))
}

/** The video as one MP4 file: a ball that crosses a striped field. The same settings give the same bytes. */
export const drawSmallVideo = (video: SmallVideo): Uint8Array => {
  const { width, height, frames, seed } = video
  const random = seededRandom(seed)
  const hue = [random.between(70, 190), random.between(70, 190)] as const
  const radius = height / 7
  const slices = Array.from({ length: frames }, (_, frame) => {
    const x0 = radius + ((width - 2 * radius) * frame) / Math.max(1, frames - 1)
    const y0 = height * 0.55 - Math.abs(Math.sin((frame / frames) * 9.42)) * height * 0.3
    return idrSlice(width, height, frame, (x, y) => {
      if ((x - x0) ** 2 + (y - y0) ** 2 < radius * radius) return [225, 128, 128]
      const stripe = Math.floor((x * 6) / width) % 2
      return [Math.floor(60 + (y * 90) / height + stripe * 12), Math.floor(hue[0]), Math.floor(hue[1])]
    })
  })
  const samples = slices.map((slice) => Buffer.concat([Buffer.from(u32(slice.length)), slice]))
  const sizes = samples.map((sample) => sample.length)
  const [sps, pps] = [sequenceParameters(width, height), pictureParameters()]
  const type = box("ftyp", Buffer.from("isom"), [0, 0, 2, 0], Buffer.from("isomiso2avc1mp41"))
  const offset = type.length + movie(video, sizes, sps, pps, 0).length + 8
  return new Uint8Array(Buffer.concat([type, movie(video, sizes, sps, pps, offset), box("mdat", ...samples)]))
}
