/**
 * What the whole system costs when nothing happens: every process of `npm start` on an empty
 * configuration, one worker pool included, after it came to rest. Memory is the proportional set size of
 * the whole process tree; CPU is its time over ten seconds, in percent of one core.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, writeFile, chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '@headway/deploy/child.ts'
import { until } from '../harness.ts'
import { figure, type Figure } from './figure.ts'

const headway = fileURLToPath(new URL('../../deploy/headway.mjs', import.meta.url))
const portBase = 47_400
const restMs = 35_000
const watchedMs = 10_000
const ticksPerSecond = 100
/** One input that is pushed and never is, so that a pool with a pipeline runs and nothing happens. */
const config = `
assets:
  idle/value: { kind: gtfs_rt_protobuf }
pipelines:
  idle: { folder: passthrough-realtime, slots: { feed: idle/value } }
`

const treeOf = (root: number): number[] => {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const [, rest = ''] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')
      parents.set(Number(name), Number(rest.split(' ')[1]))
    } catch {
      continue
    }
  }
  const tree = [root]
  for (const pid of tree)
    for (const [child, parent] of parents) if (parent === pid) tree.push(child)
  return tree
}

const pssBytes = (pid: number): number => {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1_024
  } catch {
    return 0
  }
}

const cpuTicks = (pid: number): number => {
  try {
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const fields = rest.split(' ').map(Number)
    return fields[11]! + fields[12]!
  } catch {
    return 0
  }
}

const sum = (pids: readonly number[], of: (pid: number) => number): number =>
  pids.reduce((total, pid) => total + of(pid), 0)
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const run = async (): Promise<Figure[]> => {
  const directory = await mkdtemp(join(tmpdir(), 'headway-idle-'))
  await chmod(directory, 0o755)
  await writeFile(join(directory, 'headway.yaml'), config)
  const lines: string[] = []
  const started = await startChild({
    name: 'headway',
    command: process.execPath,
    args: [headway, 'start', '--port-base', String(portBase), '--json'],
    cwd: directory,
    onLine: (line) => lines.push(line),
  })
  try {
    const ready = await until(
      'the system is ready',
      () => lines.find((line) => line.includes('"event":"ready"')),
      60_000,
    )
    await rest(restMs)
    const pids = treeOf(started.pid)
    const before = sum(pids, cpuTicks)
    await rest(watchedMs)
    const cpu = (sum(pids, cpuTicks) - before) / ticksPerSecond / (watchedMs / 1_000)
    const bytes = sum(pids, pssBytes)
    return [
      figure('ready after', (JSON.parse(ready) as { ms: number }).ms, 'ms'),
      figure('idle memory of all processes (PSS)', bytes / 1e6, 'MB', 400),
      figure('idle CPU of all processes', cpu * 100, '% of a core', 3),
    ]
  } finally {
    await started.stop()
    await rm(directory, { recursive: true, force: true })
  }
}
