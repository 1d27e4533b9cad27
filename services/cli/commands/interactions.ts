/** What runs ask of people and other systems, and the answers to it. */
import { call, field, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { bodyOf, keyOf } from './trigger.ts'

const filters = ['status', 'assignee', 'group', 'step', 'pipeline', 'run', 'limit'] as const

const dueIn = (row: Row): string => {
  const inMs = Date.parse(field(row, 'deadlineAt')) - Date.now()
  return Number.isNaN(inMs) ? '-' : inMs < 0 ? 'over' : span(inMs)
}

export const list = async ({ options }: Invocation): Promise<void> => {
  const query = new URLSearchParams()
  for (const name of filters)
    if (typeof options[name] === 'string' && options[name] !== 'all') query.set(name, options[name])
  if (typeof options.dueBefore === 'string') query.set('dueBefore', options.dueBefore)
  const found = await call(`interactions?${query.toString()}`)
  if (options.json) return printJson(found)
  const text = table<Row>(
    [
      { title: 'INTERACTION', of: (row) => field(row, 'id') },
      { title: 'PIPELINE', of: (row) => field(row, 'pipelineId'), shrinks: true },
      { title: 'STEP', of: (row) => field(row, 'step'), shrinks: true },
      { title: 'FOR', of: (row) => field(row, 'assignee', 'group'), shrinks: true },
      { title: 'STATUS', of: (row) => field(row, 'status') },
      { title: 'DUE IN', of: dueIn, right: true },
      { title: 'ASKS', of: (row) => field(row, 'request'), shrinks: true },
    ],
    rowsOf(found),
  )
  print(text)
}

const responseOf = (interaction: string, text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new CliError('usage', `--json is no JSON: ${text.slice(0, 80)}`, [
      `${commandLine(`answer ${interaction} --json '{"approved": true}'`)}\tanswers it`,
    ])
  }
}

export const answer = async ({ args, options }: Invocation): Promise<void> => {
  const [name] = args as readonly [string]
  const { pipeline, token } = options
  if (typeof options.json !== 'string')
    throw new CliError('usage', 'what is the answer? --json says it', [
      `${commandLine(`answer ${name} --json '{"approved": true}'`)}\tfor example`,
    ])
  const target =
    typeof pipeline === 'string'
      ? { pipelineId: pipeline, correlationId: name }
      : { interactionId: name }
  const told = await call('interactions/complete', {
    method: 'POST',
    body: {
      ...target,
      ...(typeof token === 'string' ? { resumeToken: token } : {}),
      response: responseOf(name, options.json),
      ...bodyOf(options).body,
    },
    ...keyOf(options),
  })
  const row = rowOf(told)
  print(field(row, 'status'))
  if (row.status === 'held') return note('held: nothing of that name is asked so far')
  if (row.status === 'accepted') return note('accepted: it is not known yet whether it counts')
  note(row.duplicate ? 'it was answered like that already' : `run ${field(row, 'run')} goes on`)
}
