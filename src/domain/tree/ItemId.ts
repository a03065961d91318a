/** An item's id. That of a new item is the id of the task that creates it, so it is known before there is an item. */
import { Schema } from "effect"

export const ItemId = Schema.String.annotate({ format: "uuid" }).check(
  Schema.isPattern(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u)
)
