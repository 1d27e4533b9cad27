/** Flat entries as the object that they spell, for validators; a secret is there as `placeholder`. */
import { ValuesError } from './flatten.ts'
import type { Entry, Plain } from './value.ts'

type Branch = { readonly inner: Map<string, Branch>; entry: Entry | null }

const branch = (): Branch => ({ inner: new Map(), entry: null })

const plainOf = ({ inner, entry }: Branch, placeholder: string): Plain => {
  if (entry) return 'secret' in entry ? placeholder : entry.value
  const held = [...inner].map(([key, one]): [string, Plain] => [key, plainOf(one, placeholder)])
  return Object.fromEntries(held)
}

export const nested = (
  entries: readonly Entry[],
  separator: string,
  placeholder: string,
): { readonly [key: string]: Plain } => {
  const root = branch()
  for (const entry of entries) {
    let here = root
    for (const part of entry.key.split(separator)) {
      if (here.entry)
        throw new ValuesError(
          `key ${here.entry.key} (${here.entry.file}) is a value and begins ` +
            `${entry.key} (${entry.file}) as well: rename one of them`,
        )
      const next = here.inner.get(part) ?? branch()
      here.inner.set(part, next)
      here = next
    }
    if (here.inner.size > 0) {
      const [inner] = entries.filter(({ key }) => key.startsWith(entry.key + separator))
      throw new ValuesError(
        `key ${entry.key} (${entry.file}) is a value and begins ` +
          `${inner?.key} (${inner?.file}) as well: rename one of them`,
      )
    }
    here.entry = entry
  }
  return plainOf(root, placeholder) as { readonly [key: string]: Plain }
}
