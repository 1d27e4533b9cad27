/**
 * Bytes to JSON, alone from the bytes: `nats sub --translate` starts this once per message and passes
 * nothing else. Never fails, because a viewer that stops at the first stranger is of no use.
 */
import { unpack } from '@headway/schemas/unpack.ts'

/** JSON for what msgpack knows and JSON does not. */
const plain = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}

// A Buffer turns itself into a list of numbers before a replacer sees it.
const withoutBuffers = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(withoutBuffers)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, withoutBuffers(of)]))
}

export const decoded = (bytes: Uint8Array): string => {
  try {
    return JSON.stringify(withoutBuffers(unpack(bytes)), plain, 2) ?? 'null'
  } catch (error) {
    const unreadable = error instanceof Error ? error.message : String(error)
    return JSON.stringify({ unreadable, sizeBytes: bytes.length }, null, 2)
  }
}

export const run = async (): Promise<void> => {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  process.stdout.write(`${decoded(Buffer.concat(chunks))}\n`)
}
