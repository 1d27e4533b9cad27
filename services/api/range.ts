/**
 * Parts of a body (RFC 9110 §14): one range of bytes. More than one range, another unit or nonsense is
 * answered with the whole, as the RFC allows; a range behind the end is not.
 */
export type Range = { readonly first: number; readonly last: number }

export const rangeOf = (
  header: string | undefined,
  sizeBytes: number,
): Range | 'whole' | 'unsatisfiable' => {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return 'whole'
  const [, from, to] = match as unknown as [string, string, string]
  if (from === '') {
    const lengthBytes = Math.min(Number(to), sizeBytes)
    if (lengthBytes === 0) return 'unsatisfiable'
    return { first: sizeBytes - lengthBytes, last: sizeBytes - 1 }
  }
  const first = Number(from)
  const last = to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)
  if (to !== '' && Number(to) < first) return 'whole'
  return first >= sizeBytes ? 'unsatisfiable' : { first, last }
}

/** Whether `If-None-Match` names this entity tag; weak comparison, as the RFC asks of GET. */
export const matches = (header: string | undefined, etag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' ||
    header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))
