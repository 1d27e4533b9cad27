import { configDocuments } from '@headway/schemas/content/config-documents.ts'
import { configValues } from '@headway/schemas/content/config-values.ts'
import { flatten, ValuesError } from '@headway/schemas/rules/flatten.ts'
import { unusedSecrets, withSecrets } from '@headway/schemas/rules/references.ts'
import { step, TerminalError, Type } from './step.ts'

/** Makes entries of the files: flat keys, types kept, secrets as references. */

/** What is wrong with values is wrong again at every attempt. */
export const orTerminal = <T>(make: () => T): T => {
  try {
    return make()
  } catch (error) {
    throw error instanceof ValuesError ? new TerminalError(error.message) : error
  }
}

export const flattenValues = step({
  name: 'flatten_values',
  description: 'Makes flat keys of the files; two places that make one key are an error.',
  inputs: { documents: configDocuments },
  options: Type.Object({}, { additionalProperties: false }),
  output: configValues,
  run({ documents: given }, context) {
    const { documents, files, ...origin } = given
    if (context.sync?.restore) return { ...origin, entries: [], files }
    const { separator, secrets, rename = {} } = given.rule
    const flat = orTerminal(() => flatten(documents, separator))
    const renamed = Object.keys(rename).map((key) => ({ key, file: '', value: null }))
    for (const glob of unusedSecrets([...flat, ...renamed], secrets))
      context.finding({
        code: 'secret_without_key',
        severity: 'warning',
        message: `no key answers to ${glob} of the rule's secrets`,
        subject: { glob },
      })
    return { ...origin, entries: orTerminal(() => withSecrets(flat, secrets)), files }
  },
})
