/**
 * Programs of the machine that can make a picture of what is not decoded here: of a HEIC, of a camera's raw file, of a
 * PDF's first page, of a video's first frame. Where one is missing, such files are refused, and say which is wanted.
 */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import type { Foreign } from "./Format.ts"

/** How a program makes a picture: `output` is the file that it writes, PNG or JPEG. */
interface Maker {
  readonly program: string
  readonly args: (input: string, output: string) => ReadonlyArray<string>
  /** It writes the picture to its standard output instead. */
  readonly toStdout?: true
}

const words = (text: string): ReadonlyArray<string> => text.split(" ")

/** One reader by name, told by us from the first bytes: left to guess, ffmpeg also follows playlists to other files. */
const firstFrame = (reader: string): Maker => ({
  program: "ffmpeg",
  args: (input, output) => [
    ...words(`-nostdin -v error -threads 1 -protocol_whitelist file -f ${reader} -i`),
    input,
    ...words("-map 0:v:0 -an -sn -dn -frames:v 1 -f image2 -c:v png -y"),
    output
  ]
})

const pageEdge = 1_600

/** Who can make a picture of each kind, the best first. */
const makers: Readonly<Record<Foreign, ReadonlyArray<Maker>>> = {
  heic: [
    { program: "heif-dec", args: (input, output) => [input, output] },
    { program: "heif-convert", args: (input, output) => [input, output] }
  ],
  pdf: [
    {
      program: "pdftoppm",
      // It puts the ending behind the name itself.
      args: (input, output) => [
        ...words(`-png -f 1 -l 1 -singlefile -scale-to ${pageEdge}`),
        input,
        output.replace(/\.png$/, "")
      ]
    }
  ],
  raw: [{ program: "dcraw", args: (input) => ["-e", "-c", input], toStdout: true }],
  mp4: [firstFrame("mov")],
  matroska: [firstFrame("matroska")],
  avi: [firstFrame("avi")]
}

/** Names of all programs that are of use, each once. */
export const programNames: ReadonlyArray<string> = [
  ...new Set(Object.values(makers).flatMap((some) => some.map(({ program }) => program)))
]

/** Where the programs are that this machine has, by their names; found by the shell, along its path. */
export const findPrograms: Effect.Effect<ReadonlyMap<string, string>> = Effect.callback((resume) => {
  const script = programNames.map((name) => `command -v ${name}`).join("; ")
  execFile("/bin/sh", ["-c", script], (_error, stdout) => {
    const places = stdout.split("\n").filter((place) => place.startsWith("/"))
    resume(Effect.succeed(new Map(places.map((place) => [place.slice(place.lastIndexOf("/") + 1), place]))))
  })
})

/** What is to be run for a file of this kind, where the machine has it; else the names of what would do. */
export const commandFor = (kind: Foreign, programs: ReadonlyMap<string, string>, input: string, output: string) => {
  const maker = makers[kind].find(({ program }) => programs.has(program))
  if (maker === undefined) return { wanted: makers[kind].map(({ program }) => program) }
  return {
    command: [programs.get(maker.program)!, ...maker.args(input, output)],
    toStdout: maker.toStdout ?? false
  }
}
