/**
 * A ZIP as a stream of bytes that is made while it is read: of each entry no
 * more than a few chunks are in memory, and what is slow to take it slows down
 * what gives. The same entries give the same bytes: times are the entries' own,
 * in UTC. Format: PKWARE's APPNOTE 6.3, with Zip64 where sizes or counts need it.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Stream } from "effect"
import type ZipStream from "zip-stream"
import { BlockwiseZip } from "./BlockwiseZip.ts"

/** A file, or an empty folder where it has no content. */
export interface ArchiveEntry<E, R> {
  /** Its parts separated by slashes; names that every system takes, each once. */
  readonly path: string
  readonly at: Date
  readonly content: Stream.Stream<Uint8Array, E, R> | null
  /** Whether it is worth to deflate it: what is compressed already is stored. */
  readonly deflates: boolean
}

const level = 6

const add = <E, R>(zip: ZipStream, { path, at, content, deflates }: ArchiveEntry<E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(content === null ? Effect.succeed(null) : NodeStream.toReadable(content), (source) =>
    Effect.callback<void, E>((resume) => {
      const about = {
        name: path,
        type: source === null ? ("directory" as const) : ("file" as const),
        date: at,
        store: !deflates
      }
      zip.entry(source, about, (error) =>
        // Nothing but the content can fail here, and it fails by its own error.
        resume(error === null || error === undefined ? Effect.void : Effect.fail(error as E))
      )
      return Effect.sync(() => void source?.destroy())
    })
  )

/** The bytes of a ZIP of `entries`, in their order. */
export const archiveOf = <E, R, E2, R2>(
  entries: Stream.Stream<ArchiveEntry<E, R>, E2, R2>
): Stream.Stream<Uint8Array, E | E2, R | R2> =>
  Stream.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const zip = new BlockwiseZip({ zlib: { level } })
          // Failures are those of the entries, which are told where they happen.
          zip.on("error", () => undefined)
          return zip
        }),
        (zip) => Effect.sync(() => void zip.destroy())
      ),
      (zip) => {
        const fill = Effect.andThen(
          Stream.runForEach(entries, (entry) => add(zip, entry)),
          Effect.sync(() => zip.finish())
        )
        const bytes = Stream.fromAsyncIterable(zip as AsyncIterable<Uint8Array>, (cause) => cause as E)
        return Stream.mergeEffect(bytes, fill)
      }
    )
  )

const compressed =
  /^(image\/(jpeg|png|gif|webp|avif|hei[cf]|jp2|x-canon-cr3)|video\/|audio\/(mpeg|mp4|ogg|flac)|application\/(zip|gzip|pdf|x-7z-compressed|vnd\.rar))/

/** Whether files of a type become smaller by deflating them. */
export const deflatesWell = (mediaType: string): boolean => !compressed.test(mediaType)
