/** The environment: the process's own variables, and under them those of a `.env` in the working folder. */
import { existsSync } from "node:fs"

/** Adds the variables of `.env` that are not set already. */
export const loadEnvFile = (): void => {
  if (existsSync(".env")) process.loadEnvFile(".env")
}
