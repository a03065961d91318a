/**
 * Accounts and authorization keys of a sandbox server: which key signed in as whom, by bot token, by phone and
 * code as on Telegram's test servers, or by a session the server itself mints.
 */
import { authKeyId } from "./MessageCrypto.ts"
import { stableNumber } from "./Files.ts"
import type { WorldAccount } from "./WorldModel.ts"

/** The account a world without accounts has. */
export const defaultAccount: WorldAccount = {
  id: "777000777",
  username: "postroom_bot",
  firstName: "Postroom",
  botToken: "777000777:sandbox"
}

/** The code every phone number signs in with. */
export const loginCode = "22222"

/** An authorization key: `salt` is what its messages must carry, `sessions` the session ids seen. */
export interface AuthorizationKey {
  readonly id: string
  readonly key: Buffer
  salt: Buffer
  account: WorldAccount | undefined
  /** A bot token signed this key in: Telegram then refuses what only people may do. */
  bot: boolean
  readonly sessions: Set<string>
}

export interface Accounts {
  readonly list: () => ReadonlyArray<WorldAccount>
  readonly byId: (id: string) => WorldAccount | undefined
  readonly byToken: (token: string) => WorldAccount | undefined
  readonly keys: Map<string, AuthorizationKey>
  readonly addKey: (key: Buffer, account?: WorldAccount) => AuthorizationKey
  /** Gives every key a new salt: the next message of each client is answered with `bad_server_salt`. */
  readonly rotateSalts: () => void
  /** A session string GramJS and Telethon read, already signed in as the account. */
  readonly mintSession: (accountId: string, dc: number) => string
  /** The access hash of a channel or file as this account sees it; decimal. */
  readonly accessHash: (account: WorldAccount | undefined, ...name: ReadonlyArray<string>) => string
}

/** Makes the account book; `randomBytes` gives keys and salts. */
export const makeAccounts = (
  accounts: ReadonlyArray<WorldAccount>,
  randomBytes: (count: number) => Buffer
): Accounts => {
  const keys = new Map<string, AuthorizationKey>()
  const addKey = (key: Buffer, account?: WorldAccount): AuthorizationKey => {
    const record: AuthorizationKey = {
      id: authKeyId(key),
      key,
      salt: randomBytes(8),
      account,
      bot: false,
      sessions: new Set()
    }
    keys.set(record.id, record)
    return record
  }
  return {
    list: () => accounts,
    byId: (id) => accounts.find((account) => account.id === id),
    byToken: (token) => accounts.find((account) => account.botToken === token),
    keys,
    addKey,
    rotateSalts: () => {
      for (const key of keys.values()) key.salt = randomBytes(8)
    },
    mintSession: (accountId, dc) => {
      const account = accounts.find((candidate) => candidate.id === accountId)
      if (account === undefined) throw new Error(`the sandbox has no account ${accountId}`)
      const { key } = addKey(randomBytes(256), account)
      const address = Buffer.from("127.0.0.1")
      const head = Buffer.from([dc, 0, address.length, ...address, 443 >> 8, 443 & 0xff])
      return `1${Buffer.concat([head, key]).toString("base64")}`
    },
    accessHash: (account, ...name) => stableNumber("access", account?.id ?? "nobody", ...name)
  }
}
