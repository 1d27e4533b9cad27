/** What configuration comes from, how it goes, and where to. */
import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { print, printJson, span, table } from '../terminal.ts'
import { valueOf } from './held.ts'
import type { Invocation } from './entry.ts'

const listOf = (value: unknown): string => (Array.isArray(value) ? value.join(' ') : '-')

export const sources = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('sources')
  if (options.json) return printJson(answer)
  print(
    table<Row>(
      [
        { title: 'SOURCE', of: (row) => field(row, 'id') },
        { title: 'PLATFORM', of: (row) => field(row, 'platform') },
        {
          title: 'SIGNATURES',
          of: (row) => (row.verified === true ? 'checked' : 'NOT CHECKED'),
          style: (row) => (row.verified === true ? null : 'red'),
        },
        { title: 'WEBHOOK', of: (row) => field(row, 'webhook'), shrinks: true },
        { title: 'REPOSITORIES AT', of: (row) => field(row, 'url'), shrinks: true },
      ],
      rowsOf(answer),
    ),
  )
}

export const rules = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('rules')
  if (options.json) return printJson(answer)
  const of = (name: string) => (row: Row) => listOf(rowOf(row.definition)[name])
  print(
    table<Row>(
      [
        { title: 'RULE', of: (row) => field(row, 'id') },
        { title: 'SOURCE', of: (row) => field(rowOf(row.definition), 'source') },
        { title: 'REPOSITORIES', of: of('repositories'), shrinks: true },
        { title: 'FILES', of: of('files'), shrinks: true },
        { title: 'SINKS', of: of('sinks'), shrinks: true },
      ],
      rowsOf(answer),
    ),
  )
}

const valuesOf = async (sink: string, options: Invocation['options']): Promise<void> => {
  const query = new URLSearchParams()
  for (const name of ['environment', 'limit'])
    if (typeof options[name] === 'string') query.set(name, options[name])
  const answer = await call(`sinks/${part(sink)}/values?${query.toString()}`)
  if (options.json) return printJson(answer)
  print(
    table<Row>(
      [
        { title: 'ENVIRONMENT', of: (row) => field(row, 'environment') },
        { title: 'KEY', of: (row) => field(row, 'key') },
        { title: 'HOLDS', of: (row) => valueOf(row.holds), shrinks: true },
        { title: 'COMMIT', of: (row) => field(row, 'commit').slice(0, 10) },
        { title: 'FILE', of: (row) => field(row, 'file'), shrinks: true },
        { title: 'CHANGED', of: (row) => `${span(ageMs(row, 'changedAt') ?? 0)} ago`, right: true },
      ],
      rowsOf(answer),
    ),
  )
}

export const sinks = async ({ args, options }: Invocation): Promise<void> => {
  if (args[0]) return valuesOf(args[0], options)
  const answer = await call('sinks')
  if (options.json) return printJson(answer)
  const places = rowsOf(answer).flatMap((sink) => {
    const environments = rowsOf(sink.environments)
    return environments.length > 0 ? environments.map((one) => ({ ...sink, ...one })) : [sink]
  })
  print(
    table<Row>(
      [
        { title: 'SINK', of: (row) => field(row, 'id') },
        { title: 'TYPE', of: (row) => field(row, 'type') },
        { title: 'ENVIRONMENT', of: (row) => field(row, 'environment') },
        { title: 'KEYS', of: (row) => field(row, 'keys'), right: true },
        {
          title: 'DRIFTED',
          of: (row) => field(row, 'drifted'),
          style: (row) => (Number(row.drifted ?? 0) > 0 ? 'red' : null),
          right: true,
        },
      ],
      places,
    ),
  )
}
