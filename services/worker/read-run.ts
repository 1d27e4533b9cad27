import type { EventOf } from '@headway/schemas/events.ts'
import type { Log } from '@headway/schemas/ports.ts'
import { evolve, initial, type RunState } from './decider.ts'

/** What the log says of a run: everything its pipeline's runs did since it was asked for. */
export const readRun = async (
  log: Log,
  tenant: string,
  { run, pipeline, throughSeq }: EventOf<'RunRequested'>,
): Promise<RunState> => {
  const topic = { kind: 'run' as const, name: pipeline }
  const newest = await log.last(tenant, topic)
  let state = initial
  if (!newest || newest.seq <= throughSeq) return state
  const stop = new AbortController()
  const from = throughSeq + 1
  for await (const commits of log.tail({ from, tenant, topic, signal: stop.signal })) {
    for (const event of commits.flatMap((commit) => commit.events))
      state = evolve(run, state, event)
    if (commits.at(-1)!.seq >= newest.seq) break
  }
  return state
}
