import { Refusal } from './kind.ts'
import type { RefusalCode } from './kind.ts'

/**
 * Feeds that are text where bytes were promised: the error page served with status 200, the JSON
 * form at the address of the protobuf form, the archive that somebody's proxy turned into base64.
 *
 * The first kilobyte decides. A zip and a realtime feed have control characters within their first
 * ten bytes (the zip magic, the length of the version string), so they are never taken for text.
 */

const sampleBytesMax = 1_024
const excerptCharactersMax = 60

/** Anything but tab, line feed, form feed, carriage return and escape. */
// oxlint-disable-next-line no-control-regex
const control = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/
const html = /^<(!doctype html|html|head|body|title|meta|h1|p|div|center|script)\b/i
const htmlInside = /<(!doctype html|html)\b/i
const json = /^(\{\s*["}]|\[\s*([[{"\]\d-]|true|false|null))/
const base64 = /^[A-Za-z0-9+/\r\n]+={0,2}\s*$/

/** Shorter words of letters and digits are messages, unless they turn out to hold an archive. */
const base64CharactersMin = 64

const holdsFeed = (decoded: Buffer): boolean =>
  decoded.toString('latin1', 0, 2) === 'PK' || decoded[0] === 0x1f || decoded[0] === 0x0a

const looksLikeBase64 = (text: string): boolean => {
  if (!base64.test(text)) return false
  return text.length >= base64CharactersMin || holdsFeed(Buffer.from(text, 'base64'))
}

const codeOf = (text: string): RefusalCode => {
  if (html.test(text) || (text.startsWith('<') && htmlInside.test(text))) return 'html_page'
  if (json.test(text)) return 'json_document'
  return looksLikeBase64(text) ? 'base64_text' : 'text_document'
}

/** Null when the sample is no text: empty, with control characters, neither markup nor UTF-8. */
const sampleText = (sample: Uint8Array): string | null => {
  if (sample.length === 0) return null
  const text = Buffer.from(sample).toString('utf8').trimStart()
  if (control.test(text)) return null
  return text.startsWith('<') || !text.slice(0, -1).includes('\ufffd') ? text : null
}

const names: Partial<Record<RefusalCode, string>> = {
  html_page: 'an HTML page',
  json_document: 'a JSON document',
  base64_text: 'base64 text',
  text_document: 'text',
}

/**
 * The reason to refuse bytes that turn out to be text, or null when they are binary. `expected`
 * completes the message. Empty bytes are nobody's text.
 */
export const textRefusal = (bytes: Uint8Array, expected = 'binary data'): Refusal | null => {
  const text = sampleText(bytes.subarray(0, sampleBytesMax))
  if (text === null) return null
  const code = codeOf(text)
  const excerpt = text.slice(0, excerptCharactersMax).replaceAll(/\s+/g, ' ')
  return new Refusal(
    code,
    `expected ${expected}, found ${names[code]} that begins with: ${excerpt}`,
  )
}
