import { layer } from "../../src/journal/memory/MemoryJournal.ts"
import { journalContract } from "./journalContract.ts"
import { journalSteeringContract } from "./journalSteeringContract.ts"

journalContract("the journal in memory", layer)
journalSteeringContract("steering the journal in memory", layer)
