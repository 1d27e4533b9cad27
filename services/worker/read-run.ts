/**
 * What the log says of a run: the fold of everything its pipeline's runs did since a position before it
 * began. Asked for one run it is read as of now. After a server came back, which may have forgotten what
 * it handed out, everything that waits is asked for: one pass over the log answers all of them.
 */
import type { Event } from '@headway/schemas/events.ts'
import type { Log } from '@headway/schemas/ports.ts'
import { evolve, initial, type RunState } from './decider.ts'

export type AskedRun = {
  readonly run: string
  readonly pipeline: string
  readonly throughSeq: number
}

/** Every event of a pipeline's runs after a position, up to the newest there is. */
const eventsSince = async (
  log: Log,
  tenant: string,
  pipeline: string,
  throughSeq: number,
  heed: (event: Event, seq: number) => void,
): Promise<void> => {
  const topic = { kind: 'run' as const, name: pipeline }
  const newest = await log.last(tenant, topic)
  if (!newest || newest.seq <= throughSeq) return
  const stop = new AbortController()
  const from = throughSeq + 1
  for await (const commits of log.tail({ from, tenant, topic, signal: stop.signal })) {
    for (const { events, seq } of commits) for (const event of events) heed(event, seq)
    if (commits.at(-1)!.seq >= newest.seq) break
  }
}

/** As of now. */
export const readRun = async (
  log: Log,
  tenant: string,
  { run, pipeline, throughSeq }: AskedRun,
): Promise<RunState> => {
  let state = initial
  await eventsSince(log, tenant, pipeline, throughSeq, (event, seq) => {
    state = evolve(run, state, event, seq)
  })
  return state
}

type Pass = {
  readonly throughSeq: number
  readonly sinceReturn: number
  readonly states: Promise<ReadonlyMap<string, RunState>>
}

/** Runs of one pipeline as of the server's last return or later. */
export class EarlierRuns {
  readonly #log: Log
  readonly #tenant: string
  readonly #pipeline: string
  #pass: Pass | null = null

  constructor(log: Log, tenant: string, pipeline: string) {
    this.#log = log
    this.#tenant = tenant
    this.#pipeline = pipeline
  }

  async read({ run, throughSeq }: AskedRun, sinceReturn: number): Promise<RunState> {
    const known = this.#pass
    const serves = known && known.throughSeq <= throughSeq && known.sinceReturn >= sinceReturn
    const pass = serves ? known : this.#begin(throughSeq, sinceReturn)
    return (await pass.states).get(run) ?? initial
  }

  /** What comes now is new: nobody will ask again. */
  forget(): void {
    this.#pass = null
  }

  #begin(throughSeq: number, sinceReturn: number): Pass {
    const pass = { throughSeq, sinceReturn, states: this.#statesSince(throughSeq) }
    this.#pass = pass
    void pass.states.catch(() => {
      if (this.#pass === pass) this.#pass = null
    })
    return pass
  }

  async #statesSince(throughSeq: number): Promise<ReadonlyMap<string, RunState>> {
    const states = new Map<string, RunState>()
    await eventsSince(this.#log, this.#tenant, this.#pipeline, throughSeq, (event, seq) => {
      if (!('run' in event) || typeof event.run !== 'string') return
      const state = evolve(event.run, states.get(event.run) ?? initial, event, seq)
      // What a run that is over made is of no use to its first attempt.
      states.set(event.run, state.isOver ? { ...state, outputs: {}, artifacts: [] } : state)
    })
    return states
  }
}
