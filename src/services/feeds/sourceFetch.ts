/** One guarded GET of a source, with every status that is no answer turned into a {@link FeedsError}. */
import { Duration, Effect } from "effect"
import type { FetchLimits, SafeFetch, SafeResponse } from "../web/SafeFetch.ts"
import type { FeedsErrorReason } from "./FeedsError.ts"
import { FeedsError, NoAnswer, SourceBusy, SourceGone, SourceRefused, SourceUnavailable } from "./FeedsError.ts"

const seconds = (text: string | undefined) =>
  text !== undefined && /^\d+$/.test(text) ? { retryAfter: Duration.seconds(Number(text)) } : {}

const reasonOf = ({ status, headers }: SafeResponse, url: string): FeedsErrorReason | undefined => {
  const detail = `HTTP ${status}`
  if ((status >= 200 && status < 300) || status === 304) return undefined
  if (status === 404 || status === 410) return new SourceGone({ url, detail })
  if ([401, 402, 403, 451].includes(status)) return new SourceRefused({ url, detail, status })
  if (status === 429) return new SourceBusy({ url, detail, ...seconds(headers["retry-after"]) })
  return new SourceUnavailable({ url, detail, status })
}

/** The answer to a GET with status 2xx or 304. */
export const fetchSource = (
  web: SafeFetch["Service"],
  url: string,
  options: FetchLimits & { readonly headers?: Readonly<Record<string, string>> }
): Effect.Effect<SafeResponse, FeedsError> =>
  web.get(url, options).pipe(
    Effect.mapError(
      ({ reason }) =>
        new FeedsError({ reason: new NoAnswer({ url, detail: `${reason.name}: ${reason.detail}`, reason }) })
    ),
    Effect.flatMap((response) => {
      const reason = reasonOf(response, url)
      return reason === undefined ? Effect.succeed(response) : Effect.fail(new FeedsError({ reason }))
    })
  )
