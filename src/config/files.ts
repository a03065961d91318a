/** Files of items: how large they may be, and how long what nobody refers to is kept. */
import { time, whole } from "./Setting.ts"

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
