/** Where the files of an installation are: in its folder, or in a bucket that speaks S3. */
import { Layer, Redacted } from "effect"
import * as path from "node:path"
import type { Settings } from "../config/settings.ts"
import { layerFileBlobs } from "../services/blobs/FileBlobs.ts"
import { layerS3Blobs } from "../services/blobs/s3/S3Blobs.ts"
import { DeletedLife, KeptBlobs, LargestContent } from "../services/content/limits.ts"
import { ExportLimits } from "../services/exports/limits.ts"

const mebibyte = 1 << 20

/** The folder of an installation's files. */
export const filesFolder = (dataDir: string): string => path.resolve(dataDir, "files")

type FolderSettings = Pick<Settings, "dataDir" | "diskReserveMib">

export const layerFolder = ({ dataDir, diskReserveMib }: FolderSettings) =>
  layerFileBlobs({ folder: filesFolder(dataDir), reserve: diskReserveMib * mebibyte })

type S3Settings = FolderSettings & Pick<Settings, "blobsS3Url" | "blobsS3Region" | "blobsS3Key" | "blobsS3Secret">

/** The bucket; what comes in is written to the installation's folder on its way there. */
export const layerS3 = (settings: S3Settings) =>
  layerS3Blobs({
    url: settings.blobsS3Url ?? "",
    region: settings.blobsS3Region,
    accessKeyId: settings.blobsS3Key ?? "",
    secretAccessKey: settings.blobsS3Secret ?? Redacted.make(""),
    folder: path.join(filesFolder(settings.dataDir), "incoming"),
    reserve: settings.diskReserveMib * mebibyte
  })

/** What of files is set, besides where they are. */
type Limits =
  | "uploadMaxMib"
  | "deletedLifeMs"
  | "blobGraceMs"
  | "blobOrphanLifeMs"
  | "exportMaxItems"
  | "exportMaxMib"
  | "exportLifeMs"

const layerLimits = (settings: Pick<Settings, Limits>) =>
  Layer.mergeAll(
    Layer.succeed(LargestContent, settings.uploadMaxMib * mebibyte),
    Layer.succeed(DeletedLife, settings.deletedLifeMs),
    Layer.succeed(KeptBlobs, { graceMs: settings.blobGraceMs, orphanMs: settings.blobOrphanLifeMs }),
    Layer.succeed(ExportLimits, {
      items: settings.exportMaxItems,
      bytes: settings.exportMaxMib * mebibyte,
      lifeMs: settings.exportLifeMs
    })
  )

/** The store by the settings, and its limits. */
export const layerBlobs = (settings: Settings) =>
  Layer.merge(settings.blobsS3Url === null ? layerFolder(settings) : layerS3(settings), layerLimits(settings))
