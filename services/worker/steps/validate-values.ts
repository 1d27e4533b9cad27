import { bytesOfFile, configTree, type ConfigTree } from '@headway/schemas/content/config-tree.ts'
import { configValues, type ConfigValues } from '@headway/schemas/content/config-values.ts'
import { nested } from '@headway/schemas/rules/nested.ts'
import type { Entry } from '@headway/schemas/rules/value.ts'
import { decode } from '../formats/decode.ts'
import { validateCue } from '../validators/cue.ts'
import { validateJsonSchema } from '../validators/json-schema.ts'
import { placeholder, ValidatorError, type Problem, type Subject } from '../validators/validator.ts'
import { orTerminal } from './flatten-values.ts'
import { step, TerminalError, Type } from './step.ts'

/**
 * Lets through what its schemas allow and nothing else. Schemas see the object that the keys spell, with
 * the types of the files; of a secret they see that it is text.
 */

const toldMax = 5
const schemaName = /\.(?:json|ya?ml)$/

type Told = Problem & { readonly schema: string; readonly entry: Entry | undefined }

class Values {
  readonly #separator: string
  readonly #entries: ReadonlyMap<string, Entry>
  readonly subject: Subject

  constructor({ entries, rule }: ConfigValues) {
    const separator = rule.separator ?? '.'
    this.#separator = separator
    this.#entries = new Map(entries.map((entry) => [entry.key, entry]))
    const isSecret = (path: readonly string[]) => {
      const entry = this.#entries.get(path.join(separator))
      return entry !== undefined && 'secret' in entry
    }
    this.subject = { value: orTerminal(() => nested(entries, separator, placeholder)), isSecret }
  }

  /** The entry that holds what is at a path, which may lead into a list. */
  at(path: readonly string[]): Entry | undefined {
    for (let length = path.length; length > 0; length--) {
      const entry = this.#entries.get(path.slice(0, length).join(this.#separator))
      if (entry) return entry
    }
    return undefined
  }
}

const textsOf = ({ files }: ConfigTree, matches: (path: string) => boolean) =>
  Object.fromEntries(
    files
      .filter(({ path }) => matches(path))
      .map((file) => [file.path, decode(file.path, bytesOfFile(file))]),
  )

const checked = async (
  schema: string,
  values: Values,
  check: () => Promise<readonly Problem[]>,
): Promise<Told[]> => {
  try {
    return (await check()).map((one) => ({ ...one, schema, entry: values.at(one.path) }))
  } catch (error) {
    const message = `not validated with ${schema}: ${(error as Error).message}`
    if (error instanceof ValidatorError && error.retryable)
      throw new ValidatorError(message, { retryable: true })
    throw new TerminalError(message)
  }
}

const sentence = ({ entry, path, message, schema }: Told): string => {
  const place = entry
    ? `${entry.file}: ${entry.key}: `
    : path.length > 0
      ? `${path.join('.')}: `
      : ''
  return `${place}${message} (${schema})`
}

const problemsOf = async (tree: ConfigTree, values: Values, signal: AbortSignal) => {
  const { jsonSchema, cue, definition } = tree.rule.validate ?? {}
  if (definition && !cue)
    throw new TerminalError('the rule names validate.definition without validate.cue: name both')
  const found: Told[] = []
  if (jsonSchema)
    found.push(
      ...(await checked(jsonSchema, values, async () => {
        const files = textsOf(tree, (path) => path === jsonSchema || schemaName.test(path))
        return validateJsonSchema(values.subject, jsonSchema, files, signal)
      })),
    )
  if (cue)
    found.push(
      ...(await checked(cue, values, async () => {
        const schema = textsOf(tree, (path) => path === cue)[cue]
        if (schema === undefined)
          throw new TerminalError('it is not in the repository: add it, or correct the rule')
        return validateCue(values.subject, schema, definition, signal)
      })),
    )
  return found
}

export const validateValues = step({
  name: 'validate_values',
  description: 'Validates with JSON Schema and CUE; what cannot be validated is an error.',
  inputs: { tree: configTree, values: configValues },
  options: Type.Object({}, { additionalProperties: false }),
  output: configValues,
  timeoutMs: 120_000,
  async run({ tree, values }, context) {
    if (context.sync?.restore) return values
    const problems = tree.rule.validate
      ? await problemsOf(tree, new Values(values), context.signal)
      : []
    for (const problem of problems) {
      const { entry, schema, path } = problem
      const subject = { schema, key: entry?.key ?? path.join('.'), file: entry?.file ?? '' }
      const message = sentence(problem)
      context.finding({ code: 'value_invalid', severity: 'error', message, subject })
    }
    if (problems.length === 0) return values
    const more = problems.length > toldMax ? `\n… and ${problems.length - toldMax} more` : ''
    throw new TerminalError(problems.slice(0, toldMax).map(sentence).join('\n') + more)
  },
})
