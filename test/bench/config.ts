/**
 * Configuration from a push to its sinks: the way in, with a flood of which what is shed is told so and
 * what is accepted is on the log, and the way on to what sinks hold. Beside the figures there is a table
 * with what is wanted of each.
 */
import { append, eventsOf, startWorld, type World } from '../harness.ts'
import { at, defineSource, deliver, generous, listen, type Delivered } from './config-shop.ts'
import { measureSyncs, type Sync, type Syncs } from './config-sync.ts'
import { figure, percentile, round, type Figure } from './figure.ts'

const rounds = 300
const atOnce = 100
const floodPerSecond = 1_000
const floodSeconds = 10
/** What of it is measured: `intake`, `sync` or, by default, both. */
const only = process.env.ONLY
const commit = '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c'

type Aimed = Figure & { readonly goal: string }

const aimed = (goal: string, ...of: Parameters<typeof figure>): Aimed => ({
  ...figure(...of),
  goal,
})

const appendMs = async (world: World): Promise<number> => {
  const took: number[] = []
  for (let i = 0; i < rounds; i++) {
    const startedAt = performance.now()
    await append(
      world.doors,
      { kind: 'rule', name: `r${i}` },
      { type: 'RuleRemoved', v: 1, at, rule: `r${i}` },
    )
    took.push(performance.now() - startedAt)
  }
  return percentile(took, 0.5)
}

/** Sends at a steady rate, however long answers take. */
const flood = async (url: string): Promise<readonly Delivered[]> => {
  const answers: Promise<Delivered>[] = []
  const startedAt = performance.now()
  const total = floodPerSecond * floodSeconds
  while (answers.length < total) {
    const due = ((performance.now() - startedAt) / 1_000) * floodPerSecond
    while (answers.length < Math.min(due, total))
      answers.push(deliver(url, 'bench', `flood-${answers.length}`, commit))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return Promise.all(answers)
}

const storedOf = async (world: World): Promise<ReadonlySet<string>> =>
  new Set(
    (await eventsOf(world.doors)).flatMap((event) =>
      event.type === 'PushReceived' ? event.task : [],
    ),
  )

const measureIntake = async (): Promise<Aimed[]> => {
  const world = await startWorld({ postgres: true })
  try {
    await defineSource(world, 'bench', 'https://github.com')
    const ceilingMs = await appendMs(world)
    const open = await listen(world, generous)
    const one: number[] = []
    for (let i = 0; i < rounds; i++)
      one.push((await deliver(open.url, 'bench', `one-${i}`, commit)).ms)
    const startedAt = performance.now()
    const together = await Promise.all(
      Array.from({ length: atOnce }, (_, i) => deliver(open.url, 'bench', `together-${i}`, commit)),
    )
    const togetherMs = performance.now() - startedAt
    await open.end()
    const guarded = await listen(world)
    const flooded = await flood(guarded.url)
    await guarded.end()
    const accepted = flooded.filter(({ status }) => status === 202)
    const shed = flooded.filter(({ status }) => status === 429)
    const stored = await storedOf(world)
    const lost = [...together, ...accepted].filter(({ task }) => !task || !stored.has(task))
    const others = flooded.length - accepted.length - shed.length
    const answered = flooded.map(({ ms }) => ms)
    const rate = `flood of ${floodPerSecond}/s for ${floodSeconds} s`
    return [
      aimed('', 'delivery accepted, p50', percentile(one, 0.5), 'ms', ceilingMs),
      aimed('', 'delivery accepted, p99', percentile(one, 0.99), 'ms', ceilingMs),
      aimed('', `${atOnce} deliveries at once, all accepted`, togetherMs, 'ms'),
      aimed('', `${rate}, accepted`, accepted.length, 'deliveries'),
      aimed('sheds', `${rate}, shed with 429`, shed.length, 'deliveries'),
      aimed('0', `${rate}, answered otherwise`, others, 'deliveries'),
      aimed('0', 'accepted and not on the log', lost.length, 'deliveries'),
      aimed('', 'answer in a flood, p99', percentile(answered, 0.99), 'ms'),
    ]
  } finally {
    await world.stop()
  }
}

const syncFigures = (what: string, goal: string, { p50, p95, ceiling, phases }: Sync): Aimed[] => [
  aimed(goal, `${what}, p50`, p50, 'ms', ceiling),
  aimed('', `${what}, p95`, p95, 'ms', ceiling),
  aimed('', `${what}, of it until there is a plan`, phases.plan, 'ms'),
  aimed('', `${what}, of it writing and reading back`, phases.write, 'ms'),
]

const syncsOf = (syncs: Syncs): Aimed[] => [
  ...syncFigures('push accepted to 500 keys confirmed', '100 ms', syncs.durable),
  ...syncFigures('the same, bucket relaxed', '100 ms', syncs.relaxed),
  ...syncFigures('the same, one key of 500 changed', '100 ms', syncs.one),
  aimed('10', '10 of 10,000 keys changed, writes at the server', syncs.writes, 'writes'),
  aimed('', '10 of 10,000 keys changed, until confirmed', syncs.repairMs, 'ms'),
  aimed('', '100 pushes at once, newest in every sink', syncs.newestMs, 'ms'),
  aimed('0', '100 pushes at once, sinks not at the newest', syncs.behind, 'sinks'),
]

const tableOf = (figures: readonly Aimed[]): string => {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const lines = figures.map(({ name, value, unit, goal, ceiling, ratio }) =>
    row([
      name,
      `${round(value)} ${unit}`,
      goal,
      ceiling ? `${ceiling} ${unit}` : '',
      ratio ? `${ratio}` : '',
    ]),
  )
  return [
    row(['', 'measured', 'goal', 'ceiling', 'ratio']),
    '| --- | --: | --: | --: | --: |',
    ...lines,
    '',
  ].join('\n')
}

export const run = async (): Promise<Figure[]> => {
  const figures = [
    ...(only === 'sync' ? [] : await measureIntake()),
    ...(only === 'intake' ? [] : syncsOf(await measureSyncs())),
  ]
  process.stderr.write(`\n${tableOf(figures)}`)
  return figures
}
