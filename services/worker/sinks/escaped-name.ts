/**
 * A key as one part of a path, and back. Keys stay readable: only what the place forbids is written as in
 * a URL, and `%` itself, so that no two keys share a name. `.`, `..` and nothing at all would vanish from
 * a path; they begin with a bare `%`.
 */
export const nameOfKey = (key: string, forbidden: RegExp): string =>
  /^\.{0,2}$/.test(key)
    ? `%${key.replaceAll('.', '2E')}`
    : key.replace(forbidden, (char) => encodeURIComponent(char))

/** Null when the name was never made from a key: then it is somebody else's. */
export const keyOfName = (name: string, forbidden: RegExp): string | null => {
  try {
    const key = /^%(2E){0,2}$/.test(name)
      ? name.slice(1).replaceAll('2E', '.')
      : decodeURIComponent(name)
    return nameOfKey(key, forbidden) === name ? key : null
  } catch {
    return null
  }
}
