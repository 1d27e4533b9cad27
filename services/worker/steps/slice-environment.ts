import { configDocuments } from '@headway/schemas/content/config-documents.ts'
import { sliceEnvironment as slice, underRootKey } from '@headway/schemas/rules/slice.ts'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import type { Plain } from '@headway/schemas/rules/value.ts'
import { step, TerminalError, Type, type StepContext } from './step.ts'

/** Takes of each file what is under the rule's root key and, when the rule says so, for its environment. */

type Place = { readonly path: string; readonly rule: RuleDefinition; readonly context: StepContext }

const rooted = (value: Plain, { path, rule, context }: Place): Plain => {
  const { rootKey, rootKeyOptional } = rule
  if (!rootKey) return value
  const found = underRootKey(value, rootKey)
  if (found !== undefined) return found
  const message = `${path} has no ${rootKey}`
  if (!rootKeyOptional)
    throw new TerminalError(`${message}: add it, or say rootKeyOptional in the rule`)
  context.finding({
    code: 'root_key_absent',
    severity: 'info',
    message: `${message}: the whole file is taken`,
    subject: { file: path },
  })
  return value
}

const sliced = (value: Plain, environment: string, { path, rule, context }: Place): Plain => {
  if (!rule.slice) return value
  const found = slice(value, environment)
  const subject = { file: path, environment }
  if (found.pattern === null)
    context.finding({
      code: 'environment_absent',
      severity: 'warning',
      message: `${path} names neither ${environment} nor default: all of it is taken`,
      subject,
    })
  if (found.leftOut.length > 0)
    context.finding({
      code: 'environments_left_out',
      severity: 'info',
      message: `${path}: read as other environments: ${found.leftOut.join(', ')}`,
      subject,
      count: found.leftOut.length,
    })
  return found.value
}

export const sliceEnvironment = step({
  name: 'slice_environment',
  description: 'Takes what is under the root key and for the environment.',
  inputs: { documents: configDocuments },
  options: Type.Object({}, { additionalProperties: false }),
  output: configDocuments,
  run({ documents: given }, context) {
    const { rule, environment } = given
    const documents = given.documents.map(({ path, value }) => {
      const place = { path, rule, context }
      return { path, value: sliced(rooted(value, place), environment, place) }
    })
    return { ...given, documents }
  },
})
