/**
 * Pushes that nobody sent: a ref that a look found moved, and refs whose rule or sink changed since. They
 * go the way of all pushes. Their delivery says what they are made from, so each is made once.
 */
import { sha256, toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import { isAbout } from '@headway/schemas/rules/environment.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Board, Push } from './board.ts'

type Made = Pick<Push, 'event' | 'repository' | 'ref' | 'actor'> &
  Partial<Pick<Push, 'commit' | 'pullRequest' | 'reason' | 'rule'>> & {
    readonly tenant: string
    readonly source: string
    readonly delivery: string
  }

/** Puts a push on the log unless it is there; false when nobody needs it any more. */
export const receive = async (
  { log, clock }: Pick<Doors, 'log' | 'clock'>,
  board: Board,
  { tenant, ...made }: Made,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const { definition, topicSeq, made: known } = board.source(tenant, made.source)
    if (!definition || known.has(made.delivery)) return
    const now = clock.now()
    const task = ulidOf(now, 'push', tenant, made.source, made.delivery)
    const { platform } = definition
    const at = toTimestamp(now)
    const topic = { kind: 'source' as const, name: made.source }
    const appended = await log.append({
      tenant,
      topic,
      id: `push-${made.source}-${made.delivery}`,
      events: [{ type: 'PushReceived', v: 1, at, platform, task, dryRun: false, ...made }],
      expect: topicSeq,
      source: 'fetcher',
    })
    if (appended.outcome !== 'conflict') return
    const newest = await log.last(tenant, topic)
    await board.until(newest?.seq ?? 0, signal)
  }
}

/** A short, stable name for what a delivery is made from. */
export const nameOf = (...parts: readonly (string | number)[]): string =>
  sha256(JSON.stringify(parts)).slice(0, 24)

/** Makes the newest push of each ref due again under every rule that changed since. */
export const revisit = async (
  doors: Pick<Doors, 'log' | 'clock'>,
  board: Board,
  tenant: string,
  signal: AbortSignal,
): Promise<void> => {
  const { sources, rules, sinks } = board.of(tenant)
  for (const [rule, { definition, seq: definedSeq }] of rules) {
    const changes = definition.sinks.map((sink) => sinks.get(sink)?.seq ?? 0)
    const changedSeq = Math.max(definedSeq, ...changes)
    const newest = sources.get(definition.source)?.newest ?? new Map<string, Push>()
    for (const push of newest.values()) {
      if (push.seq > changedSeq || !isAbout(definition, push)) continue
      const { source, repository, ref, commit, pullRequest } = push
      await receive(
        doors,
        board,
        {
          tenant,
          source,
          delivery: `rule:${rule}:${changedSeq}:${nameOf(repository, ref)}`,
          event: 'manual',
          repository,
          ref,
          ...(commit === undefined ? {} : { commit }),
          ...(pullRequest === undefined ? {} : { pullRequest }),
          actor: 'headway',
          reason: `rule ${rule} changed`,
          rule,
        },
        signal,
      )
    }
  }
}
