/** Prints the folder of the broker's jars, for the image that is made of them. */
import { Effect } from "effect"
import { kafkaJars } from "./jars.ts"

process.stdout.write(`${await Effect.runPromise(kafkaJars)}\n`)
