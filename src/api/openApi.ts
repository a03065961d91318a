/**
 * The API's description: that of the contract, with what `data` has to be for
 * each type of event that this process takes, own actors' types included.
 */
import { JsonSchema, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { Api, PostedEvent } from "./Contract.ts"
import type { EventTypes } from "./EventTypes.ts"

/** An event of one type, as it is posted. */
const postedOf = ({
  type,
  topic
}: {
  readonly type: string
  readonly topic: { readonly value: Schema.Codec<any, any> }
}) =>
  Schema.Struct({ ...PostedEvent.fields, type: Schema.Literal(type), data: topic.value }).annotate({
    identifier: `event-${type}`
  })

/** The OpenAPI 3.1 document for `types`. */
export const openApiOf = (types: EventTypes["Service"]): OpenApi.OpenAPISpec => {
  const spec = OpenApi.fromApi(Api)
  if (types.size === 0) return spec
  const { schema, definitions } = Schema.toJsonSchemaDocument(Schema.Union([...types.values()].map(postedOf)), {
    onExcessProperty: "error"
  })
  const document = JsonSchema.toMultiDocumentOpenApi3_1({ dialect: "draft-2020-12", schemas: [schema], definitions })
  return {
    ...spec,
    components: {
      ...spec.components,
      schemas: { ...spec.components.schemas, ...document.definitions, PostedEvent: document.schemas[0] }
    }
  }
}
