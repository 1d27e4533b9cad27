import { configValues } from '@headway/schemas/content/config-values.ts'
import { withSecrets } from '@headway/schemas/rules/references.ts'
import { rename } from '@headway/schemas/rules/rename.ts'
import { orTerminal } from './flatten-values.ts'
import { step, Type } from './step.ts'

/** Gives flat keys the names that the rule has for them; secrets may be named by either. */
export const renameKeys = step({
  name: 'rename_keys',
  description: 'Gives keys their new names.',
  inputs: { values: configValues },
  options: Type.Object({}, { additionalProperties: false }),
  output: configValues,
  run({ values }, { sync }) {
    const { rename: names, secrets } = values.rule
    if (!names || sync?.restore) return values
    const entries = orTerminal(() => withSecrets(rename(values.entries, names), secrets))
    return { ...values, entries }
  },
})
