/**
 * Bytes ↔ facts. A commit's body is a msgpack array of event maps without records, so that any
 * msgpack reader understands it alone; JSON of the same shape is accepted from other publishers.
 * What does not decode to known, valid events is a `CodecError` and never a crash: readers pass over
 * it and show it.
 */
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import { schemas as commandSchemas, type Command } from './commands.ts'
import { schemas as eventSchemas, type Event } from './events.ts'
import { CodecError, pack, unpack } from './unpack.ts'

export { CodecError }

type Check = { Check(value: unknown): boolean; Errors(value: unknown): Iterable<unknown> }
const checks = new Map<TSchema, Check>()
const checkOf = (schema: TSchema): Check => {
  let check = checks.get(schema)
  if (!check) checks.set(schema, (check = Compile(schema) as Check))
  return check
}

/** The first thing wrong with a value, as a sentence, or null. */
export const problemWith = (schema: TSchema, value: unknown): string | null => {
  const check = checkOf(schema)
  if (check.Check(value)) return null
  for (const error of check.Errors(value)) {
    const { instancePath, message } = error as { instancePath?: string; message?: string }
    return `${instancePath || '/'} ${message}`
  }
  return 'is not valid'
}

const validated = <T>(
  schemas: Readonly<Record<string, TSchema>>,
  what: string,
  value: unknown,
): T => {
  const type = (value as { type?: unknown } | null)?.type
  const schema =
    typeof type === 'string' && Object.hasOwn(schemas, type) ? schemas[type] : undefined
  if (!schema) throw new CodecError(`unknown ${what} type ${JSON.stringify(type)?.slice(0, 80)}`)
  const problem = problemWith(schema, value)
  if (problem) throw new CodecError(`${String(type)}: ${problem}`)
  return value as T
}

/** Throws `CodecError` for what could not be read back: a mistake stays with the one who made it. */
export const encodeEvents = (events: readonly Event[]): Uint8Array =>
  pack(events.map((event) => validated<Event>(eventSchemas, 'event', event)))

export const decodeEvents = (bytes: Uint8Array): readonly Event[] => {
  const body = unpack(bytes)
  const events = Array.isArray(body) ? body : [body]
  if (events.length === 0) throw new CodecError('a commit holds at least one event')
  return events.map((event) => validated<Event>(eventSchemas, 'event', event))
}

export const encodeCommand = (command: Command): Uint8Array => pack(command)

export const decodeCommand = (bytes: Uint8Array): Command =>
  validated<Command>(commandSchemas, 'command', unpack(bytes))
