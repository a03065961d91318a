/** How large content may be, however it comes in. */
import { Context } from "effect"

/** Most bytes of one file. */
export const LargestContent = Context.Reference<number>("postroom/services/LargestContent", {
  defaultValue: () => 2_500 * 1024 * 1024
})
