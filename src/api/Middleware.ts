/** What every route of the contract may stand behind: a check of the request, and of its token. */
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { BadRequest, Unauthorized, Unavailable, Unexpected } from "./Problems.ts"

/** Turns what does not fit the contract into a problem that names each bad field. */
export class RequestCheck extends HttpApiMiddleware.Service<RequestCheck>()("postroom/api/RequestCheck", {
  error: [BadRequest.problem, Unexpected.problem]
}) {}

/** A bearer token on every route but health. */
export class Authorization extends HttpApiMiddleware.Service<Authorization>()("postroom/api/Authorization", {
  security: { bearer: HttpApiSecurity.bearer },
  error: [Unauthorized.problem, Unavailable.problem]
}) {}
