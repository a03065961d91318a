/** Writes the files that are made from the code: run it after a change of src/config or src/topics. */
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import { queueNames } from "../src/actors/index.ts"
import { version } from "../src/cli/version.ts"
import { envExample } from "../src/config/example.ts"
import { asyncApiOf } from "../src/topics/asyncApi.ts"
import { topics } from "../src/topics/index.ts"

const root = path.join(import.meta.dirname, "..")

writeFileSync(path.join(root, ".env.example"), envExample(queueNames))
writeFileSync(path.join(root, "docs", "asyncapi.json"), `${JSON.stringify(asyncApiOf(topics, version), null, 2)}\n`)
