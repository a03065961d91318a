/** All invariants over one history. */
import type { Run, Violation } from "../History.ts"
import { accountOf } from "./Account.ts"
import { attemptsAreCounted, deadLettersAreWhole } from "./attempts.ts"
import { cancelsWereAskedFor, flowsAreCancelled } from "./cancels.ts"
import { cancelsAreKept, pausesHold, statesGoForward } from "./control.ts"
import { journalIsWhatWasWritten, nothingComesFromNowhere, nothingIsLost, onlyOwnersWrite } from "./durability.ts"
import { effectsHappenOnce, endedIsEnded, oneAtATimeInOrder, usersRunBesideEachOther } from "./order.ts"
import { everythingComesToRest, ticksFireOnce } from "./schedules.ts"

const invariants = [
  nothingIsLost,
  nothingComesFromNowhere,
  oneAtATimeInOrder,
  usersRunBesideEachOther,
  onlyOwnersWrite,
  effectsHappenOnce,
  endedIsEnded,
  statesGoForward,
  pausesHold,
  cancelsAreKept,
  cancelsWereAskedFor,
  flowsAreCancelled,
  attemptsAreCounted,
  deadLettersAreWhole,
  ticksFireOnce,
  journalIsWhatWasWritten,
  everythingComesToRest
]

/** What a run broke, the earliest first. */
export const check = (run: Run): ReadonlyArray<Violation> => {
  const account = accountOf(run)
  return invariants.flatMap((invariant) => invariant(account)).sort((a, b) => a.at - b.at)
}
