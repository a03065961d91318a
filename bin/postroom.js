#!/usr/bin/env node
// The door: an older Node gets one clear line instead of a syntax error.
const needed = 24
const version = Number(process.versions.node.split(".")[0])
if (version < needed) {
  process.stderr.write(
    `Postroom needs Node ${needed} or newer, this is ${process.version}: run it by "npm start" or "npx postroom", which bring their own.\n`
  )
  process.exit(1)
}
// What was compiled once is not compiled again: a start after the first is a third shorter.
;(await import("node:module")).enableCompileCache?.()
await import("../src/main.ts")
