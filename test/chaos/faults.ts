/**
 * What befalls an installation under chaos. Each fault says whom it hit and
 * ends by itself; what it leaves behind is for the installation to mend.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { serverPids } from "../../bench/support/processes.ts"
import { oneOf } from "./chance.ts"
import type { Proxy } from "./Proxy.ts"
import type { Supervised } from "./Supervised.ts"

/** A process of the installation and its way to the database. */
export interface Member {
  readonly process: Supervised
  readonly proxy: Proxy
}

export interface Stage {
  readonly random: () => number
  readonly api: Member
  readonly workers: ReadonlyArray<Member>
  readonly client: Supervised
  /** Data directory of the database. */
  readonly dataDir: string
  /** A small disk that can be filled; null where none can be had. */
  readonly smallDisk: string | null
  /** Sets the clock of a worker apart, seconds; null where clocks cannot be set. */
  readonly setClock: ((worker: number, seconds: number) => void) | null
}

export interface Fault {
  readonly kind: string
  /** Of so many faults in a row of `deckSize`. */
  readonly share: number
  /** Why it cannot be had here. */
  readonly skipped: (stage: Stage) => string | null
  /** Hits; what is answered is called when it is to end, and `lastsMs` how long it lasts. Null: nobody is there to be hit. */
  readonly hit: (stage: Stage) => Hit | null
}

export interface Hit {
  /** Process ids of the lives that were hit, for who is asked how soon work went on elsewhere. */
  readonly pids: ReadonlyArray<number>
  readonly lastsMs: number
  readonly end: () => void
  /** Lives that ended by it, for counting. */
  readonly workersKilled: number
}

const never = () => null
const nothing = () => undefined
const atOnce = (pids: ReadonlyArray<number>, workersKilled = 0): Hit => ({
  pids,
  lastsMs: 0,
  end: nothing,
  workersKilled
})

const between = (random: () => number, from: number, to: number) => from + random() * (to - from)

/** Who has not left. */
const present = ({ workers }: Stage) => workers.filter(({ process }) => !process.isAway())

/** Takes a worker that works out of it for a time; `begin` answers how it comes back. */
const outOfWork = (
  stage: Stage,
  [shortest, longest]: readonly [number, number],
  begin: (process: Supervised) => () => void
): Hit | null => {
  const working = present(stage).filter(({ process }) => !process.isFrozen())
  // Somebody has to go on, or nobody would take over.
  if (working.length < 2) return null
  const { process } = oneOf(stage.random, working)
  const pids = [process.pid()]
  const end = begin(process)
  return { pids, lastsMs: between(stage.random, shortest, longest), end, workersKilled: 0 }
}

const anyone = ({ random, workers, api }: Stage) => oneOf(random, [...workers, api])

const killed = (...members: ReadonlyArray<Supervised>) =>
  members.map((member) => {
    const pid = member.pid()
    member.kill()
    return pid
  })

const killServer = (pids: ReadonlyArray<number>) => {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It ended meanwhile.
    }
  }
}

const postmasterPid = (dataDir: string): number =>
  Number(fs.readFileSync(path.join(dataDir, "cluster", "postmaster.pid"), "utf8").split("\n")[0])

/** A frozen worker must be taken for dead, so that it wakes as an owner of what others own: the session's time-out is 10 s. */
const [shortestStop, longestStop] = [11_500, 15_000]

const fill = (disk: string) => {
  const file = path.join(disk, "ballast")
  const fd = fs.openSync(file, "w")
  const block = Buffer.alloc(1 << 16, 1)
  try {
    while (true) fs.writeSync(fd, block)
  } catch {
    // It is full.
  }
  fs.closeSync(fd)
  return () => fs.rmSync(file, { force: true })
}

/** A day and an hour: far beyond any time that a process takes itself, ahead or behind. */
const clockJump = 90_000

export const faults: ReadonlyArray<Fault> = [
  {
    kind: "worker",
    share: 24,
    skipped: never,
    hit: (stage) => {
      const some = present(stage)
      return some.length === 0 ? null : atOnce(killed(oneOf(stage.random, some).process), 1)
    }
  },
  {
    kind: "group",
    share: 2,
    skipped: never,
    hit: (stage) =>
      atOnce(
        killed(...stage.workers.map((member) => member.process), stage.api.process, stage.client),
        present(stage).length
      )
  },
  {
    kind: "leave",
    share: 6,
    skipped: never,
    hit: (stage) =>
      outOfWork(stage, [2_000, 6_000], (process) => {
        process.leave()
        return process.comeBack
      })
  },
  { kind: "api", share: 3, skipped: never, hit: ({ api }) => atOnce(killed(api.process)) },
  { kind: "client", share: 2, skipped: never, hit: ({ client }) => atOnce(killed(client)) },
  {
    kind: "stop",
    share: 7,
    skipped: never,
    hit: (stage) =>
      outOfWork(stage, [shortestStop, longestStop], (process) => {
        const pid = process.pid()
        process.freeze()
        return () => {
          if (process.pid() === pid) process.thaw()
        }
      })
  },
  {
    kind: "postgres",
    share: 4,
    skipped: never,
    hit: ({ random, dataDir }) => {
      killServer(random() < 0.5 ? serverPids(dataDir) : [postmasterPid(dataDir)])
      return atOnce([])
    }
  },
  {
    kind: "backends",
    share: 1,
    skipped: never,
    hit: ({ random, dataDir }) => {
      const postmaster = postmasterPid(dataDir)
      const others = serverPids(dataDir).filter((pid) => pid !== postmaster)
      if (others.length === 0) return null
      killServer([oneOf(random, others)])
      return atOnce([])
    }
  },
  {
    kind: "cut",
    share: 4,
    skipped: never,
    hit: (stage) => {
      const { process, proxy } = anyone(stage)
      proxy.cut()
      return atOnce([process.pid()])
    }
  },
  {
    kind: "hold",
    share: 2,
    skipped: never,
    hit: (stage) => {
      const { process, proxy } = anyone(stage)
      proxy.hold(true)
      const lastsMs = stage.random() < 0.5 ? between(stage.random, 500, 3_000) : between(stage.random, 10_500, 13_000)
      return { pids: [process.pid()], lastsMs, end: () => proxy.hold(false), workersKilled: 0 }
    }
  },
  {
    kind: "refuse",
    share: 2,
    skipped: never,
    hit: (stage) => {
      const { process, proxy } = anyone(stage)
      proxy.refuse(true)
      const lastsMs = between(stage.random, 500, 4_000)
      return { pids: [process.pid()], lastsMs, end: () => proxy.refuse(false), workersKilled: 0 }
    }
  },
  {
    kind: "disk",
    share: 1,
    skipped: ({ smallDisk }) => (smallDisk === null ? "no small disk can be mounted by this user" : null),
    hit: ({ random, smallDisk }) => ({
      pids: [],
      lastsMs: between(random, 1_000, 5_000),
      end: fill(smallDisk!),
      workersKilled: 0
    })
  },
  {
    kind: "clock",
    share: 1,
    skipped: ({ setClock }) => (setClock === null ? "libfaketime is not there (apt install libfaketime)" : null),
    hit: ({ random, workers, setClock }) => {
      const at = Math.floor(random() * workers.length)
      setClock!(at, random() < 0.5 ? clockJump : -clockJump)
      return {
        pids: [],
        lastsMs: between(random, 1_000, 6_000),
        end: () => setClock!(at, 0),
        workersKilled: 0
      }
    }
  }
]

/** Runs `work`, with everything that a fault holds let go afterwards. */
export const letGo = (stage: Stage): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const { process, proxy } of [...stage.workers, stage.api]) {
      proxy.hold(false)
      proxy.refuse(false)
      if (process.isFrozen()) process.thaw()
      process.comeBack()
    }
  })
