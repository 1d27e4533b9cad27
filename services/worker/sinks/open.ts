/**
 * From a definition in the configuration to a sink that can be asked: placeholders are filled in, secrets
 * resolved at this moment, options checked by the schema of the type. What is wrong is
 * told before any secret is resolved.
 */
import type { SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { problemIn } from '../options.ts'
import { resolveSecret } from '@headway/streams/secrets.ts'
import { sinkTypes } from './index.ts'
import { SinkError, type AnySinkType, type Sink } from './sink.ts'

export type Placeholders = Readonly<
  Record<'tenant' | 'environment' | 'rule' | 'repository', string>
>

type Schema = {
  readonly secret?: boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}

const fill = (text: string, placeholders: Placeholders): string =>
  text.replaceAll(/\{(tenant|environment|rule|repository)\}/g, (_, name: keyof Placeholders) => {
    return placeholders[name]
  })

const expand = async (
  value: unknown,
  schema: Schema | undefined,
  placeholders: Placeholders,
  secretOf: (reference: string) => Promise<string> | string,
): Promise<unknown> => {
  if (typeof value === 'string') return schema?.secret ? secretOf(value) : fill(value, placeholders)
  if (Array.isArray(value))
    return Promise.all(value.map((one) => expand(one, schema?.items, placeholders, secretOf)))
  if (typeof value !== 'object' || value === null) return value
  const expanded = Object.entries(value).map(async ([key, one]) => {
    return [key, await expand(one, schema?.properties?.[key], placeholders, secretOf)] as const
  })
  return Object.fromEntries(await Promise.all(expanded))
}

export const openSink = async (
  name: string,
  definition: SinkDefinition,
  placeholders: Placeholders,
  signal: AbortSignal,
  types: readonly AnySinkType[] = sinkTypes,
): Promise<Sink> => {
  const type = types.find((one) => one.type === definition.type)
  if (!type) {
    const known = types.map((one) => one.type).join(', ')
    const message = `sink ${name}: there is no type ${definition.type}; there are ${known}`
    throw new SinkError(message, { retryable: false })
  }
  const filled = (secretOf: (reference: string) => Promise<string> | string) =>
    expand(definition.options, type.options as Schema, placeholders, secretOf)
  // What is wrong is told with the value: at this time secrets are still references.
  const problem = problemIn(type.options, await filled((reference) => reference))
  if (problem) throw new SinkError(`sink ${name}: option ${problem}`, { retryable: false })
  const options = await filled((reference) => resolveSecret(reference, signal))
  return type.open(options as never, signal)
}
