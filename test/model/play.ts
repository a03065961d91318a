/**
 * Plays commands against the API and the model, and compares what both say
 * whenever all is quiet. Where a command races with work that is under way,
 * the model takes over which of the two was first, if both were possible.
 */
import { Effect } from "effect"
import { taskIdOf } from "../../src/domain/ids.ts"
import { isFinal } from "../../src/domain/TaskState.ts"
import type { Answer, Client } from "../scenarios/Installation.ts"
import type { Command } from "./commands.ts"
import { users } from "./commands.ts"
import type { Observer, Plan } from "./job.ts"
import * as Model from "./Model.ts"
import type { ModelTask } from "./Model.ts"

export interface Stage {
  readonly client: Client
  readonly observer: Observer
  /** How long things may take to become as the model has them, ms: only what never comes is waited for so long. */
  readonly patienceMs: number
}

/** The API said another than the model. */
export class Differs extends Error {}

const differs = (what: string, was: unknown, expected: unknown): never => {
  throw new Differs(`${what}: the API says ${JSON.stringify(was)}, the model ${JSON.stringify(expected)}`)
}

const lookMs = 15

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Posted {
  readonly id: string
  readonly user: string
  readonly plan: Plan
}

/** Plays one sequence; `run` makes its names its own. Throws `Differs`. */
export const play = async (stage: Stage, run: string, commands: ReadonlyArray<Command>): Promise<void> => {
  const { client, observer, patienceMs } = stage
  const model = Model.makeModel()
  const events: Array<Posted> = []
  let fences = 0

  const get = (place: string): Promise<Answer> => Effect.runPromise(client.get(place))
  const send = (place: string, body?: unknown): Promise<Answer> => Effect.runPromise(client.post(place, body))
  const userOf = (n: number): string => `${run}-u${n}`
  const expect = (what: string, was: unknown, expected: unknown): void => {
    if (JSON.stringify(was) !== JSON.stringify(expected)) differs(what, was, expected)
  }

  /** Looks until nothing differs any more; then it is so, or it never will be. */
  const eventually = async (look: () => Promise<void>): Promise<void> => {
    const until = performance.now() + patienceMs
    while (true) {
      try {
        return await look()
      } catch (error) {
        if (!(error instanceof Differs) || performance.now() > until) throw error
        await sleep(lookMs)
      }
    }
  }

  const seen = (task: ModelTask) => {
    const { id, queue, event, user, state, attempt } = task
    return { id, queue, flow: event, user, status: state, attempt }
  }

  const lookAtUser = async (user: string): Promise<void> => {
    const own = [...model.tasks.values()].filter((task) => task.user === user)
    const { body } = await get(`/tasks?user=${user}&limit=500`)
    const listed = new Map<string, any>(body.tasks.map((task: any) => [task.id, task]))
    expect(`number of tasks of ${user}`, listed.size, own.length)
    for (const task of own) {
      const other = listed.get(task.id) ?? differs(`task of ${task.event} in ${task.queue}`, null, seen(task))
      const { id, queue, flow, user: whose, status, attempt } = other
      const isCounted = task.attempt !== null && (isFinal(task.state) || task.state === "in_progress")
      expect(
        `task of ${task.event}`,
        { id, queue, flow, user: whose, status, attempt: isCounted ? attempt : null },
        {
          ...seen(task),
          attempt: isCounted ? task.attempt : null
        }
      )
    }
    const box = (await get(`/users/${user}/mailbox`)).body
    expect(`whether ${user} is paused`, box.paused, model.pausedUsers.has(user))
    const waits = (id: string) => !isFinal(model.tasks.get(id)!.state)
    // One that was retried runs after the others and is shown at the place of its record.
    const isInOrder = (id: string) => model.tasks.get(id)?.wasRetried !== true
    for (const queue of ["job", "follow"] as const) {
      const shown = box.tasks.filter((task: any) => task.queue === queue).map((task: any) => task.id as string)
      const wanted = (model.boxes.get(`${queue} ${user}`) ?? []).filter(waits)
      expect(`mailbox of ${user} in ${queue}`, [...shown].sort(), [...wanted].sort())
      expect(`order of the mailbox of ${user}`, shown.filter(isInOrder), wanted.filter(isInOrder))
    }
  }

  const lookAtTask = async (task: ModelTask): Promise<void> => {
    const { body } = await get(`/tasks/${task.id}`)
    expect(`status of the task of ${task.event}`, body.status, task.state)
    const isWaiting = task.state === "queued"
    if (!isWaiting) return expect(`why the task of ${task.event} waits`, body.why, null)
    const why = model.pausedQueues.has(task.queue)
      ? `queue ${task.queue} is paused`
      : model.pausedUsers.has(task.user)
        ? `user ${task.user} is paused`
        : "is behind task"
    // What was retried has the place of its record, and others stand behind it there.
    if (why !== "is behind task" || !task.wasRetried)
      expect(`why the task of ${task.event} waits`, String(body.why).startsWith(why), true)
  }

  const lookAtEvent = async ({ id, user, plan }: Posted): Promise<void> => {
    const { body } = await get(`/events/${id}`)
    expect(`event ${id}`, { user: body.user, data: body.data }, { user, data: { plan } })
    const status = Model.flowOf(model, id)
    if (status !== null) return expect(`status of event ${id}`, body.status, status)
    if (!["queued", "in_progress"].includes(body.status)) differs(`status of event ${id}`, body.status, "not over")
  }

  const lookAtOrder = (): void => {
    if (observer.violations.length > 0) differs("one at a time per user", observer.violations, [])
    for (const [box, started] of observer.started) {
      if (!box.includes(` ${run}-`)) continue
      const once = started.filter((id) => model.tasks.get(id)?.wasRetried === false)
      const wanted = (model.boxes.get(box) ?? []).filter((id) => once.includes(id))
      expect(`order of ${box}`, once, wanted)
    }
  }

  const settle = async (): Promise<void> => {
    Model.run(model)
    for (let n = 0; n < users; n++) await eventually(() => lookAtUser(userOf(n)))
    for (const task of model.tasks.values()) await eventually(() => lookAtTask(task))
    for (const event of events) await eventually(() => lookAtEvent(event))
    lookAtOrder()
  }

  /** Once two cancels have been obeyed, so has what was asked for before them. */
  const fence = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      const id = `${run}-fence-${fences++}`
      await send("/events", { id, type: "job", user: id, data: { plan: "slow" } })
      const task = taskIdOf("job", id)
      await send(`/tasks/${task}/cancel`)
      await eventually(async () => expect("a fence", (await get(`/tasks/${task}`)).body.status, "cancelled"))
    }
  }

  /** Takes over what became of the tasks of a cancelled flow: each was cancelled, or had gone its way before. */
  const adopt = async (event: string): Promise<void> => {
    for (let handed = -1; handed !== Model.tasksOf(model, event).length;) {
      handed = Model.tasksOf(model, event).length
      for (const task of Model.tasksOf(model, event)) {
        if (isFinal(task.state)) continue
        let status = ""
        await eventually(async () => {
          status = (await get(`/tasks/${task.id}`)).body.status
          if (!isFinal(status as never)) differs(`task of the cancelled ${event}`, status, "ended")
        })
        if (status === "cancelled") Model.cancel(task)
        else takeEnd(task, status)
      }
    }
  }

  /** It ended by itself: then as the model has it, and with what it hands on. */
  const takeEnd = (task: ModelTask, status: unknown): void => {
    const could = Model.run(Model.copyOf(model))
    const end = could.tasks.get(task.id)!
    expect(`end of the task of ${task.event}`, status, end.state)
    Model.endAs(model, task)
  }

  const cancelTask = async (task: ModelTask): Promise<void> => {
    const { status, body } = await send(`/tasks/${task.id}/cancel`)
    const could = Model.run(Model.copyOf(model)).tasks.get(task.id)!
    if (isFinal(task.state)) return expect(`cancel of a task that has ended`, status, 409)
    // Not read yet: a task that another hands on is there once that one has been written.
    if (status === 409 || status === 404) {
      if (status === 409 && !isFinal(could.state)) differs("cancel of a task that waits", body, 202)
      return
    }
    expect("cancel", status, 202)
    let end = body.status as string
    await eventually(async () => {
      end = (await get(`/tasks/${task.id}`)).body.status
      if (!isFinal(end as never)) differs("a cancelled task", end, "ended")
    })
    if (end === "cancelled") Model.cancel(task)
    else takeEnd(task, end)
  }

  const setPause = async (what: "users" | "queues", name: string, paused: boolean): Promise<void> => {
    // What is under way may or may not be caught by a pause: it is let go to its end first.
    if (paused) await settle()
    const { status, body } = await send(`/${what}/${name}/${paused ? "pause" : "resume"}`)
    expect("pause", [status, body], [200, { paused }])
    const set: Set<string> = what === "users" ? model.pausedUsers : model.pausedQueues
    if (paused) set.add(name)
    else set.delete(name)
    if (paused) await fence()
  }

  const obey = async (command: Command): Promise<void> => {
    const tasks = [...model.tasks.values()]
    const event = "event" in command ? events[command.event % events.length] : undefined
    const task = "task" in command ? tasks[command.task % tasks.length] : undefined
    switch (command.kind) {
      case "post": {
        const posted = { id: `${run}-e${events.length}`, user: userOf(command.user), plan: command.plan }
        const { status, body } = await send("/events", {
          id: posted.id,
          type: "job",
          user: posted.user,
          data: { plan: posted.plan }
        })
        expect(
          "post",
          [status, body],
          [202, { eventId: posted.id, taskId: taskIdOf("job", posted.id), status: "queued" }]
        )
        events.push(posted)
        return Model.post(model, posted.id, posted.user, posted.plan)
      }
      case "repeat":
      case "conflict": {
        if (event === undefined) return
        const user = command.kind === "repeat" ? event.user : `${event.user}-other`
        const { status } = await send("/events", { id: event.id, type: "job", user, data: { plan: event.plan } })
        return expect(command.kind, status, command.kind === "repeat" ? 202 : 409)
      }
      case "cancelEvent": {
        if (event === undefined) return
        const { status } = await send(`/events/${event.id}/cancel`)
        const wasOver = Model.tasksOf(model, event.id).every(({ state }) => isFinal(state))
        if (wasOver) return expect("cancel of a flow that is over", status, 409)
        if (status === 409) {
          const could = Model.run(Model.copyOf(model))
          return expect("cancel of a flow", Model.flowOf(could, event.id) !== null, true)
        }
        expect("cancel of a flow", status, 202)
        return adopt(event.id)
      }
      case "cancelTask":
        return task === undefined ? undefined : cancelTask(task)
      case "retryTask": {
        if (task === undefined) return
        await settle()
        const { status } = await send(`/tasks/${task.id}/retry`)
        const isBad = isFinal(task.state) && task.state !== "succeeded"
        expect(`retry of a task that is ${task.state}`, status, isBad ? 202 : 409)
        if (isBad) Model.retry(model, task)
        return settle()
      }
      case "readEvent":
        return event === undefined ? undefined : eventually(() => lookAtOnce(event))
      case "readTask":
        return task === undefined
          ? undefined
          : eventually(async () => expect("task", (await get(`/tasks/${task.id}`)).status, 200))
      case "mailbox":
        return expect("mailbox", (await get(`/users/${userOf(command.user)}/mailbox`)).body.user, userOf(command.user))
      case "pauseUser":
      case "resumeUser":
        return setPause("users", userOf(command.user), command.kind === "pauseUser")
      case "pauseQueue":
      case "resumeQueue":
        return setPause("queues", command.queue, command.kind === "pauseQueue")
      case "quiet":
        return settle()
    }
  }

  const lookAtOnce = async ({ id, user }: Posted): Promise<void> => {
    const { status, body } = await get(`/events/${id}`)
    expect("event", [status, body.user], [200, user])
  }

  const isRunning = (task: ModelTask) => !isFinal(task.state)

  try {
    for (const command of commands) await obey(command)
    await settle()
  } finally {
    // What is left must not be in the way of the next sequence.
    for (const queue of ["job", "follow"]) await send(`/queues/${queue}/resume`)
    for (let n = 0; n < users; n++) await send(`/users/${userOf(n)}/resume`)
    for (const task of [...model.tasks.values()].filter(isRunning)) await send(`/events/${task.event}/cancel`)
  }
}
