import { apiUrl, call } from '../api.ts'
import { paint, print, printJson } from '../terminal.ts'
import type { Invocation } from './entry.ts'

/** Every fact of an answer as a path and a value, whatever its shape. */
const factsOf = (value: unknown, path: string): readonly (readonly [string, string])[] => {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return [[path, value.join(', ') || '-']]
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, field]) =>
      factsOf(field, path ? `${path}.${key}` : key),
    )
  return [[path, value === null || value === undefined ? '-' : String(value as string | number)]]
}

export const run = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('status')
  if (options.json) return printJson(answer)
  const facts = [['api', apiUrl()] as const, ...factsOf(answer, '')]
  const width = Math.max(...facts.map(([path]) => path.length))
  for (const [path, value] of facts) print(`${paint('dim', path.padEnd(width))}  ${value}`)
}
