/**
 * JSON Schemas that lead to one another inside a repository. A file's address is its path below a host
 * that does not exist, whatever `$id` it claims: so a reference can only end in a file of the same commit,
 * and what leads anywhere else is told as that.
 */
import { parse } from 'yaml'

const base = 'https://repository.invalid/'
const yamlCharactersMax = 1_000_000

export const addressOfSchema = (path: string): string =>
  base + path.split('/').map(encodeURIComponent).join('/')

/** The path that an address means; null when it leads out of the repository. */
export const pathOfSchema = (address: string): string | null => {
  if (!address.startsWith(base)) return null
  try {
    return decodeURIComponent(new URL(address).pathname.slice(1))
  } catch {
    return null
  }
}

/** What the file holds; nothing when it is no document. Whoever validates with it says what is wrong. */
const documentOf = (path: string, text: string): unknown => {
  try {
    if (path.endsWith('.json')) return JSON.parse(text)
    return text.length > yamlCharactersMax ? null : parse(text)
  } catch {
    return null
  }
}

const referencesOf = (document: unknown): readonly string[] => {
  const found: string[] = []
  const left = [document]
  while (left.length > 0) {
    const one = left.pop()
    if (typeof one !== 'object' || one === null) continue
    for (const [key, value] of Object.entries(one)) {
      if (key === '$ref' && typeof value === 'string') found.push(value)
      else left.push(value)
    }
  }
  return found
}

/** The paths in the repository that a schema leads to at once, its own left out. */
export const schemasBeside = (path: string, text: string): readonly string[] => {
  const paths = referencesOf(documentOf(path, text)).flatMap((reference) => {
    if (!URL.canParse(reference, addressOfSchema(path))) return []
    const found = pathOfSchema(new URL(reference, addressOfSchema(path)).href)
    return found === null || found === path ? [] : [found]
  })
  return [...new Set(paths)]
}

/** A schema and all that it leads to, near or far, as far as there are such files. */
export const schemasFrom = (
  path: string,
  textOf: (path: string) => string | undefined,
): ReadonlySet<string> => {
  const found = new Set([path])
  for (const one of found) {
    const text = textOf(one)
    if (text === undefined) found.delete(one)
    else for (const next of schemasBeside(one, text)) found.add(next)
  }
  return found
}
