/**
 * The TL schema GramJS carries (layer 198), indexed by constructor id for the sandbox's own decoder.
 * GramJS's reader is not used on what clients send: when it fails inside a vector it leaves its shared schema
 * changed for the rest of the process, so one bad frame would spoil every later request.
 */
import apiTl from "telegram/tl/apiTl.js"
import schemaTl from "telegram/tl/schemaTl.js"
import { tlobjects } from "telegram/tl/AllTLObjects.js"
import { parseTl } from "telegram/tl/generationHelpers.js"

/** One argument of a constructor, as the TL parser describes it. */
export interface TlArgument {
  readonly isVector: boolean
  readonly isFlag: boolean
  readonly flagName: string | null
  readonly flagIndex: number
  readonly flagIndicator: boolean
  readonly type: string | null
  readonly useVectorId: boolean | null
}

/** A decoded value: an instance of the GramJS class of its constructor, read by field name. */
export interface TlObject {
  readonly className: string
  readonly CONSTRUCTOR_ID: number
  // oxlint-disable-next-line typescript/no-explicit-any -- a TL value has the fields its schema line names
  readonly [field: string]: any
}

/** One line of the schema: the arguments in wire order and the class to make. */
export interface TlDefinition {
  readonly arguments: ReadonlyArray<readonly [name: string, argument: TlArgument]>
  readonly make: (fields: Record<string, unknown>) => TlObject
}

interface ParsedLine {
  readonly constructorId: number
  readonly argsConfig: Record<string, TlArgument>
}

type TlClass = new (fields: Record<string, unknown>) => TlObject

const build = (): ReadonlyMap<number, TlDefinition> => {
  const classes = tlobjects as unknown as Record<string, TlClass>
  const definitions = new Map<number, TlDefinition>()
  for (const source of [apiTl, schemaTl]) {
    for (const line of parseTl(source, String(198)) as Iterable<ParsedLine>) {
      const Class = classes[String(line.constructorId)]
      if (Class === undefined) continue
      definitions.set(line.constructorId, {
        arguments: Object.entries(line.argsConfig),
        make: (fields) => new Class(fields)
      })
    }
  }
  return definitions
}

let definitions: ReadonlyMap<number, TlDefinition> | undefined

/** Every known constructor by id; parsed at the first call (about 50 ms), then kept. */
export const tlDefinitions = (): ReadonlyMap<number, TlDefinition> => (definitions ??= build())
