/** What an OpenAPI document says can be asked, as a flat list. */
import type { Definitions, JsonSchema } from "./SchemaDraw.ts"

export interface Parameter {
  readonly name: string
  readonly in: "path" | "query" | "header"
  readonly required: boolean
  readonly schema: JsonSchema
}

export interface Operation {
  readonly method: string
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  readonly body: JsonSchema | null
  /** Statuses that the document knows. */
  readonly statuses: ReadonlySet<number>
}

export interface Described {
  readonly operations: ReadonlyArray<Operation>
  readonly definitions: Definitions
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters?: ReadonlyArray<Parameter>
            readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
            readonly responses: Readonly<Record<string, unknown>>
          }
        >
      >
    >
  >
  readonly components: { readonly schemas?: Definitions }
}

/** The operations of an OpenAPI document. */
export const operationsOf = (document: Document): Described => ({
  definitions: document.components.schemas ?? {},
  operations: Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content["application/json"]?.schema ?? null,
      statuses: new Set(Object.keys(operation.responses).map(Number))
    }))
  )
})

/** Matches a target, without its query, against the paths of operations. */
export const matcherOf = ({ operations }: Described): ((target: string) => ReadonlyArray<Operation>) => {
  const patterns = operations.map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`)
  }))
  return (target) => {
    // As the router reads them: an empty segment is none, nor is one after a last slash.
    const path = target
      .split(/[?#]/, 1)[0]!
      .replaceAll(/\/{2,}/g, "/")
      .replace(/(?<=.)\/$/, "")
    return patterns.filter(({ pattern }) => pattern.test(path)).map(({ operation }) => operation)
  }
}
