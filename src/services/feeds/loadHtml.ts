/**
 * Parses HTML of strangers by the streaming parser. The other one follows the standard to the letter,
 * but moves the children of a fragment one by one: a hundred thousand line breaks cost it a minute.
 */
import { load } from "cheerio"
import type { CheerioAPI } from "cheerio"

/** The document or fragment, without the `<html>` and `<body>` a browser would add. */
export const loadHtml = (html: string): CheerioAPI =>
  load(html, { xml: { xmlMode: false, decodeEntities: true } }, false)
