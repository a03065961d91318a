/**
 * Telegram's flood control: token buckets by account and method and by account and chat, which answer FLOOD_WAIT
 * with the seconds left. The real figures are secret and adaptive; these are the ones its users observe.
 */

/** `burst` requests at once, then one each `everySeconds`. */
export interface Rate {
  readonly burst: number
  readonly everySeconds: number
}

/** Limits of one server: by method (Telegram's name, any case), and for posts into one chat. */
export interface RateLimits {
  readonly methods: Readonly<Record<string, Rate>>
  /** Each message costs one, an album costs one per item. */
  readonly postsPerChat?: Rate
}

/** Rates as users of real Telegram report them; a demo that shows them needs no tuning. */
export const observedRates: RateLimits = {
  methods: {
    "contacts.resolveUsername": { burst: 5, everySeconds: 30 },
    "messages.getHistory": { burst: 30, everySeconds: 1 }
  },
  postsPerChat: { burst: 20, everySeconds: 3 }
}

/** A rate limiter: `take` answers the seconds to wait, 0 when the request may pass (and is then counted). */
export interface RateLimiter {
  readonly take: (account: string, method: string, chat: string | undefined, cost: number) => number
}

/** Makes a limiter over a clock in milliseconds. Buckets are kept per account and key, in generic cell rate form. */
export const makeRateLimiter = (limits: RateLimits, now: () => number): RateLimiter => {
  const methods = new Map(Object.entries(limits.methods).map(([name, rate]) => [name.toLowerCase(), rate]))
  const fullAt = new Map<string, number>()

  const wait = (key: string, rate: Rate, cost: number): number => {
    const due = Math.max(fullAt.get(key) ?? 0, now()) + cost * rate.everySeconds * 1000
    return Math.max(0, due - now() - rate.burst * rate.everySeconds * 1000)
  }
  const spend = (key: string, rate: Rate, cost: number) => {
    fullAt.set(key, Math.max(fullAt.get(key) ?? 0, now()) + cost * rate.everySeconds * 1000)
  }

  return {
    take: (account, method, chat, cost) => {
      const byMethod = methods.get(method.toLowerCase())
      const charges: Array<readonly [string, Rate, number]> = []
      if (byMethod !== undefined) charges.push([`${account} ${method.toLowerCase()}`, byMethod, 1])
      if (limits.postsPerChat !== undefined && chat !== undefined && cost > 0) {
        charges.push([`${account} #${chat}`, limits.postsPerChat, cost])
      }
      const longest = Math.max(0, ...charges.map(([key, rate, units]) => wait(key, rate, units)))
      if (longest > 0) return Math.ceil(longest / 1000)
      for (const [key, rate, units] of charges) spend(key, rate, units)
      return 0
    }
  }
}
