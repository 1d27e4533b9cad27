/**
 * Ourselves beside the peers, one after the other, each alone on the machine, at two durabilities: runs of
 * four steps that do nothing, every result durable. All run on the same Node 24, which comes over npm like
 * the peers themselves; `redis-server` has to be on PATH (Debian: `apt-get install -y redis-server`). What
 * each peer is given and what it lacks is told in its file.
 *
 *   REPEATS=5        repetitions; the median counts
 *   ONLY=headway,restate   these contestants
 *   QUICK=1          a smoke test: everything once, numbers without meaning
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startChild } from '@headway/deploy/child.ts'
import type { Figure } from './figure.ts'
import { contestants } from './peers/contestants.ts'
import { installPeers, node, peersFolder } from './peers/install.ts'
import type { Limits, Measured, MeasureName } from './peers/measure.ts'
import { durabilities, type Durability } from './peers/peer.ts'
import { figuresOf, tableOf, type Quantity, type Result } from './peers/report.ts'

const entry = fileURLToPath(new URL('./peers/contestant.ts', import.meta.url))
const measureNames: readonly MeasureName[] = ['latency', 'loop', 'backlog']
const withinMs = 240_000
/** For dirty pages to reach the disk before the next one needs it. */
const restMs = 2_000

const full: Limits = {
  warmup: 50,
  rounds: 300,
  // Two seconds are enough for all but Restate, which only then has its partitions in place.
  warmupMs: 4_000,
  loopMs: 8_000,
  backlog: 5_000,
}
const quick: Limits = { warmup: 5, rounds: 20, warmupMs: 500, loopMs: 1_000, backlog: 200 }

type Told = Measured & { readonly versions: Readonly<Record<string, string>> }

export const run = async (): Promise<Figure[]> => {
  const { REPEATS = '1', ONLY = '', QUICK } = process.env
  const chosen = ONLY === '' ? Object.keys(contestants) : ONLY.split(',')
  const unknown = chosen.filter((name) => !Object.hasOwn(contestants, name))
  if (unknown.length > 0) throw new Error(`there is no contestant ${unknown.join(', ')}`)
  installPeers(tell)
  const limits = QUICK ? quick : full
  const sheet = new Sheet()
  for (let repeat = 1; repeat <= Number(REPEATS); repeat++)
    for (const durability of durabilities)
      for (const contestant of chosen)
        for (const measure of measureNames) {
          const told = await measured(contestant, durability, measure, limits)
          if (told) sheet.add(contestant, durability, measure, told)
          if (!QUICK) await delay(restMs)
        }
  tell(tableOf(sheet.results))
  return figuresOf(sheet.results)
}

const tell = (line: string): void => void process.stderr.write(`${line}\n`)

/** Undefined when it failed; the others are still worth their figures. */
const measured = async (
  contestant: string,
  durability: Durability,
  measure: MeasureName,
  limits: Limits,
): Promise<Told | undefined> => {
  const backlog = Math.min(limits.backlog, contestants[contestant]!.backlog ?? Infinity)
  const lines: string[] = []
  const directory = await mkdtemp(join(tmpdir(), 'headway-peer-'))
  // Postgres runs as somebody else when we are root, and must be able to get there.
  await chmod(directory, 0o755)
  const child = await startChild({
    name: contestant,
    command: node,
    args: [
      entry,
      contestant,
      durability,
      measure,
      directory,
      JSON.stringify({ ...limits, backlog }),
    ],
    env: {
      ...process.env,
      HEADWAY_PEERS: peersFolder,
      NODE_NO_WARNINGS: '1',
      RESTATE_LOGGING: 'ERROR',
    },
    onLine: (line) => lines.push(line),
  })
  const late = setTimeout(() => void child.stop(), withinMs)
  const code = await child.exited
  clearTimeout(late)
  // Servers of a contestant that failed need a moment to go.
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 })
  const answer = lines.find((line) => line.startsWith('{"runs"'))
  if (code === 0 && answer !== undefined) {
    const told = JSON.parse(answer) as Told
    const { runs, p50, p99, perSecond } = told
    tell(
      `${contestant}, ${durability}, ${measure}: ${JSON.stringify({ runs, p50, p99, perSecond })}`,
    )
    return told
  }
  tell(`${contestant}, ${durability}, ${measure} failed\n${child.lastLines()}`)
  process.exitCode = 1
  return undefined
}

class Sheet {
  readonly #results = new Map<string, Result & { readonly values: number[] }>()

  get results(): readonly Result[] {
    return [...this.#results.values()]
  }

  add(contestant: string, durability: Durability, measure: MeasureName, told: Told): void {
    const { p50, p99, perSecond, versions } = told
    const values = measure === 'latency' ? { p50, p99 } : { [measure]: perSecond }
    for (const [quantity, value] of Object.entries(values)) {
      const key = [contestant, durability, quantity].join('\n')
      const known = this.#results.get(key)
      if (known) known.values.push(value!)
      else
        this.#results.set(key, {
          contestant,
          durability,
          quantity: quantity as Quantity,
          values: [value!],
          versions,
        })
    }
  }
}
