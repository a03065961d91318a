/** Files: where they are, how large they may be, and how long what is deleted, exported or nobody refers to is kept. */
import { optional, secret, text, time, whole } from "./Setting.ts"
import type { Setting } from "./Setting.ts"

export const uploadMax = whole(
  {
    key: "UPLOAD_MAX_MIB",
    about: "Largest file of an item, in MiB, however it comes in.",
    example: "500",
    fallback: "2500"
  },
  1,
  1_000_000
)

export const diskReserve = whole(
  {
    key: "DISK_RESERVE_MIB",
    about: "So much of the disk, in MiB, stays free of files: the database may be on it too.",
    example: "1024",
    fallback: "256"
  },
  0,
  10_000_000
)

export const blobGrace = time({
  key: "BLOBS_GRACE",
  about: "How long a file is kept that no item refers to any more.",
  fallback: "24 hours"
})

export const blobOrphanLife = time({
  key: "BLOBS_ORPHAN_LIFE",
  about: "How long a file is kept that was never an item's: pictures of posts, and what interrupted work left.",
  fallback: "30 days"
})

export const deletedLife = time({
  key: "DELETED_ITEMS_LIFE",
  about: "How long deleted items can be restored. Then they are removed for good.",
  fallback: "30 days"
})

export const exportMaxItems = whole(
  {
    key: "EXPORTS_MAX_ITEMS",
    about: "Most items in one export.",
    example: "500000",
    fallback: "100000"
  },
  1,
  10_000_000
)

export const exportMax = whole(
  {
    key: "EXPORTS_MAX_MIB",
    about: "Most that the files of one export may have together, in MiB. There must be room for it in DATA_DIR.",
    example: "100000",
    fallback: "20000"
  },
  1,
  10_000_000
)

export const exportLife = time({
  key: "EXPORTS_LIFE",
  about: "How long a finished export can be fetched. Its file goes BLOBS_GRACE later.",
  fallback: "7 days"
})

/** Whether it names a bucket: http or https, and a path that begins with the bucket's name. */
const isBucket = (address: string): boolean => {
  const url = URL.parse(address)
  return url !== null && /^https?:$/.test(url.protocol) && /^\/[^/]/.test(url.pathname) && url.search === ""
}

export const blobsS3Url: Setting<string | null> = {
  key: "BLOBS_S3_URL",
  about:
    "A bucket that speaks S3 to keep files in, instead of DATA_DIR; a path behind its name is put before all keys.",
  shape: "the http or https address of a bucket",
  example: "https://s3.example.org/postroom-files",
  fallback: "",
  parse: (value) => (value === "" ? null : isBucket(value) ? value : undefined)
}

export const blobsS3Region = text({
  key: "BLOBS_S3_REGION",
  about: "Region of the bucket.",
  shape: "a region's name",
  example: "eu-central-1",
  fallback: "us-east-1"
})

export const blobsS3Key = optional({
  key: "BLOBS_S3_KEY",
  about: "Access key of the bucket. It needs to get, put, delete and list.",
  shape: "an access key's id",
  example: "AKIAEXAMPLE"
})

export const blobsS3Secret = secret({
  key: "BLOBS_S3_SECRET",
  about: "Secret of the access key.",
  shape: "a text",
  example: "secret"
})
