/**
 * JSON Schema (2020-12, or draft-07 where `$schema` says so). References lead to files of the repository
 * and nowhere else. What only a secret's value could tell, its length or pattern, is not asked of secrets.
 */
import { inThread, ValidatorError, type Problem, type Subject } from './validator.ts'

/** As the thread tells it. */
export type SchemaProblem = Problem & { readonly keyword: string }
export type SchemaFiles = Readonly<Record<string, string>>

const ofValues = new Set(['minLength', 'maxLength', 'pattern', 'format'])

export const validateJsonSchema = async (
  subject: Subject,
  path: string,
  files: SchemaFiles,
  signal: AbortSignal,
  limitMs?: number,
): Promise<readonly Problem[]> => {
  if (!Object.hasOwn(files, path))
    throw new ValidatorError(`${path} is not in the repository: add it, or correct the rule`, {
      retryable: false,
    })
  const entry = new URL('./json-schema-thread.ts', import.meta.url)
  const data = { value: subject.value, path, files }
  const found = await inThread<readonly SchemaProblem[]>(entry, data, signal, limitMs)
  return found.filter((one) => !(ofValues.has(one.keyword) && subject.isSecret(one.path)))
}
