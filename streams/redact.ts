/**
 * What a log line must not say. Fields that are named like secrets are not written, and what looks like
 * one inside any text (a token of ours, a bearer, a password in a URL) is cut out of it.
 */
const secretNames =
  /((^|-)(authorization|cookie|api-?key)|password|secret|token|api_?key|credential)s?$/i

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\bhw_[a-z0-9]{12}_[A-Za-z0-9_-]{43}/g, 'hw_[redacted]'],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,}/gi, '$1 [redacted]'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, '[redacted]'],
  [/(\w:\/\/)[^/\s:@]*:[^/\s@]*@/g, '$1[redacted]@'],
  [
    /([?&](?:key|token|secret|password|api_?key|access_token|sig|signature)=)[^&\s"]+/gi,
    '$1[redacted]',
  ],
]
const depthMax = 8

export const redactedText = (text: string): string =>
  patterns.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text)

/** The same value without secrets. */
export const redacted = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return redactedText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= depthMax) return '[deep]'
  if (Array.isArray(value)) return value.map((one) => redacted(one, depth + 1))
  if (value instanceof Error) return redactedText(value.stack ?? value.message)
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      secretNames.test(name) && one !== null ? '[redacted]' : redacted(one, depth + 1),
    ]),
  )
}
