/** Somebody wants items as a file: a ZIP of their files, or what is known of them as CSV or JSON. */
import { ExportRequest } from "../domain/export/ExportRequest.ts"
import * as Topic from "./Topic.ts"

export const exportsRequested = Topic.make({
  name: "exports.requested",
  type: "export.requested",
  description: "A user wants items that the user sees as one file. Key: user.",
  value: ExportRequest
})
