/** Writes the files that are made from the code: run it after a change of src/config. */
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import { queueNames } from "../src/actors/index.ts"
import { envExample } from "../src/config/example.ts"

const root = path.join(import.meta.dirname, "..")

writeFileSync(path.join(root, ".env.example"), envExample(queueNames))
