/**
 * The bytes of the files that a version is made of: those of the rule, and the JSON Schemas that its schema
 * leads to, wherever in the commit they are. Links are not followed and nothing outside is fetched: what
 * is missing is told by the validation, which lets nothing through without it.
 */
import { schemasBeside } from '@headway/schemas/rules/schema-files.ts'
import { GitError, type File, type Listed, type Visit } from './git.ts'

const schemasMax = 200

const byPath = (one: File, other: File): number => (one.path < other.path ? -1 : 1)

export const readTree = async (
  visit: Pick<Visit, 'read'>,
  wanted: readonly Listed[],
  jsonSchema: string | undefined,
  listed: readonly Listed[],
): Promise<readonly File[]> => {
  const files = new Map((await visit.read(wanted)).map((file) => [file.path, file]))
  if (jsonSchema === undefined) return [...files.values()]
  const byName = new Map(listed.map((entry) => [entry.path, entry]))
  const schemas = new Set([jsonSchema])
  let fresh: readonly string[] = [jsonSchema]
  while (fresh.length > 0) {
    const found = fresh.flatMap((path) => {
      const file = files.get(path)
      return file ? schemasBeside(path, file.bytes.toString('utf8')) : []
    })
    fresh = [...new Set(found)].filter((path) => !schemas.has(path))
    for (const path of fresh) schemas.add(path)
    if (schemas.size > schemasMax)
      throw new GitError('too_large', `${jsonSchema} leads to over ${schemasMax} files`, false)
    const missing = fresh.flatMap((path) => {
      const entry = byName.get(path)
      return entry?.type === 'file' && !files.has(path) ? [entry] : []
    })
    for (const file of await visit.read(missing)) files.set(file.path, file)
  }
  return [...files.values()].toSorted(byPath)
}
