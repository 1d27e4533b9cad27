import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { paint, print, printJson, span, table } from '../terminal.ts'
import { statusStyle } from './runs.ts'
import type { Invocation } from './entry.ts'

const lastRunOf = (row: Row): Row => rowOf(row.lastRun)
const ago = (row: Row, name: string): string => {
  const age = ageMs(row, name)
  return age === null ? '-' : span(age)
}

export const list = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('pipelines')
  if (options.json) return printJson(answer)
  print(
    table<Row>(
      [
        { title: 'PIPELINE', of: (row) => field(row, 'id'), shrinks: true },
        { title: 'VERSION', of: (row) => field(row, 'activeVersion') },
        { title: 'POOL', of: (row) => field(rowOf(row.definition), 'pool'), shrinks: true },
        { title: 'RUNS', of: (row) => field(row, 'runs'), right: true },
        {
          title: 'LAST RUN',
          of: (row) => field(lastRunOf(row), 'status'),
          style: (row) => statusStyle(lastRunOf(row)),
        },
        { title: 'AGO', of: (row) => ago(lastRunOf(row), 'since'), right: true },
        {
          title: 'STATE',
          of: (row) => (row.paused ? 'paused' : 'on'),
          style: (row) => (row.paused ? 'yellow' : null),
        },
      ],
      rowsOf(answer),
    ),
  )
}

/** The slots with their assets, the steps in their order, the outputs: one line each. */
const partsOf = (dag: Row): readonly (readonly [string, string])[] =>
  rowsOf(dag.nodes).map((node) => {
    const data = rowOf(node.data)
    const type = field(node, 'type')
    const isPort = type === 'input' || type === 'output'
    const text = isPort
      ? `${field(data, 'label')}  ${field(data, 'asset')}  ${field(data, 'kind')}`
      : `${field(node, 'id')}  ${field(data, 'description')}${data.disabled === true ? '  left out' : ''}`
    return [isPort ? type : 'step', text]
  })

export const one = async ({ args, options }: Invocation): Promise<void> => {
  const path = `pipelines/${part(args[0]!)}`
  const answer = await call(path)
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  const window = rowOf(row.window)
  const { debounce, ...definition } = rowOf(row.definition)
  const run = lastRunOf(row)
  const lines: (readonly [string, string])[] = [
    ['version', `${field(row, 'activeVersion')}, before it ${field(row, 'previousVersion')}`],
    ['state', row.paused ? 'paused' : 'on'],
    ['folder', `${field(definition, 'folder')} in pool ${field(definition, 'pool')}`],
    [
      'waits',
      `${field(rowOf(debounce), 'quietMs')} ms of quiet, ${field(rowOf(debounce), 'maxWaitMs')} ms at most`,
    ],
    ['window', `${field(window, 'state')}, ${field(window, 'triggerCount')} changes`],
    ['last run', `${field(run, 'id')}  ${field(run, 'status')}  ${field(run, 'why', 'reason')}`],
  ]
  if (row.activeVersion) lines.push(...partsOf(rowOf(await call(`${path}/dag`))))
  print(`pipeline ${field(row, 'id')}`)
  for (const [name, value] of lines) print(`  ${paint('dim', name.padEnd(10))}  ${value}`)
}
