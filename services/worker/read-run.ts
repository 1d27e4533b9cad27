import type { Log } from '@headway/schemas/ports.ts'
import { evolve, initial, type RunState } from './decider.ts'

/** What the log says of a run: everything its pipeline's runs did since a position before it began. */
export const readRun = async (
  log: Log,
  tenant: string,
  {
    run,
    pipeline,
    throughSeq,
  }: { readonly run: string; readonly pipeline: string; readonly throughSeq: number },
): Promise<RunState> => {
  const topic = { kind: 'run' as const, name: pipeline }
  const newest = await log.last(tenant, topic)
  let state = initial
  if (!newest || newest.seq <= throughSeq) return state
  const stop = new AbortController()
  const from = throughSeq + 1
  for await (const commits of log.tail({ from, tenant, topic, signal: stop.signal })) {
    for (const { events, seq } of commits)
      for (const event of events) state = evolve(run, state, event, seq)
    if (commits.at(-1)!.seq >= newest.seq) break
  }
  return state
}
