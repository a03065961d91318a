/** The actors file of the API under measurement: it makes the type of the bench's events known. */
import { benchActor } from "../support/benchActor.ts"

export const bench = benchActor(100, { started: () => {}, ended: () => {} })
