import { Layer } from "effect"
import { layer } from "../../src/journal/sql/SqlJournal.ts"
import { migrated } from "../support/migrated.ts"
import { journalContract } from "./journalContract.ts"
import { journalSteeringContract } from "./journalSteeringContract.ts"

journalContract("the journal in Postgres", Layer.provide(layer, migrated))
journalSteeringContract("steering the journal in Postgres", Layer.provide(layer, migrated))
