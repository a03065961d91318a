/**
 * Secrets that come as files, as containers hand them in: `NAME_FILE` names a
 * file whose content becomes `NAME`. The password of the database may have a
 * file of its own, so that it stands in one place for PostgreSQL and for us.
 */

/** The variables whose value may come from a file. */
export const secrets = [
  "DATABASE_URL",
  "DATABASE_PASSWORD",
  "KAFKA_PASSWORD",
  "OPENAI_API_KEY",
  "USER_SECRET",
  "TELEGRAM_API_HASH",
  "TELEGRAM_SESSION",
  "TELEGRAM_BOT_TOKEN"
] as const

type Environment = Readonly<Record<string, string | undefined>>

const isSet = (value: string | undefined): value is string => value !== undefined && value !== ""

/** What the files add to the environment. Throws what `readFile` throws, and where the same is given twice. */
export const secretsOf = (environment: Environment, readFile: (path: string) => string): Record<string, string> => {
  const found: Record<string, string> = {}
  for (const name of secrets) {
    const file = environment[`${name}_FILE`]
    if (!isSet(file)) continue
    if (isSet(environment[name])) throw new Error(`both ${name} and ${name}_FILE are set: take one of them away`)
    found[name] = readFile(file).trim()
  }
  const { DATABASE_PASSWORD: password, ...rest } = found
  if (password === undefined) return rest
  const url = found["DATABASE_URL"] ?? environment["DATABASE_URL"]
  if (!isSet(url)) throw new Error("DATABASE_PASSWORD_FILE needs a DATABASE_URL that the password belongs to")
  const address = new URL(url)
  address.password = encodeURIComponent(password)
  return { ...rest, DATABASE_URL: address.href }
}
