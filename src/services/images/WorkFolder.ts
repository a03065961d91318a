/** The folder in which pictures stand that are made, until they are kept or used up. What killed processes left there goes. */
import { Context } from "effect"

export class WorkFolder extends Context.Service<WorkFolder, string>()("postroom/services/WorkFolder") {}
