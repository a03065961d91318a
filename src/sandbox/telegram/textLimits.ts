/** Telegram's rules for a text that comes in: its length and where its entities may lie. */
import { Effect } from "effect"
import type { TextEntity } from "../../services/telegram/TextEntity.ts"
import { refuse, type RpcRefusal } from "./RpcRefusal.ts"

/** The most entities one message may have. */
const entitiesMax = 100

/**
 * Checks a text of at most `lengthMax` UTF-16 units and its entities. Refuses with `tooLong`, ENTITIES_TOO_LONG or
 * ENTITY_BOUNDS_INVALID. Source: core.telegram.org/api/entities.
 */
export const checkText = (
  text: string,
  entities: ReadonlyArray<TextEntity>,
  lengthMax: number,
  tooLong: "MESSAGE_TOO_LONG" | "MEDIA_CAPTION_TOO_LONG"
): Effect.Effect<void, RpcRefusal> => {
  if (text.length > lengthMax) return Effect.fail(refuse(tooLong))
  if (entities.length > entitiesMax) return Effect.fail(refuse("ENTITIES_TOO_LONG"))
  const outside = entities.some(({ offset, length }) => offset < 0 || length <= 0 || offset + length > text.length)
  return outside ? Effect.fail(refuse("ENTITY_BOUNDS_INVALID")) : Effect.void
}
