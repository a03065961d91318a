/** What authors of actors import: how to define a topic, an actor, its outcomes. */
export * as Actor from "./runtime/Actor.ts"
export * as Outcome from "./domain/Outcome.ts"
export * as Topic from "./topics/Topic.ts"
export type { TaskContext } from "./runtime/TaskContext.ts"
