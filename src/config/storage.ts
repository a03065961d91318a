/** Where Postroom keeps what it knows. */
import { secret, text } from "./Setting.ts"

export const dataDir = text({
  key: "DATA_DIR",
  about: "Folder of the embedded PostgreSQL and of the files. Made when it is missing.",
  shape: "a path",
  example: "/var/lib/postroom",
  fallback: "./data"
})

export const databaseUrl = secret({
  key: "DATABASE_URL",
  about: "A PostgreSQL (15 or newer) to use instead of the embedded one.",
  shape: "a postgresql:// address",
  example: "postgresql://postroom:secret@db.example:5432/postroom"
})
