/**
 * A wished sync has its place among what the log tells: what came before it is requested before it, each
 * in a decision of its own, and what came after it waits. So nothing older ever runs after it, and it
 * never undoes what is newer. It is merged with nothing and gives way to nothing.
 */
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { Moment } from './decider.ts'
import type { PipelineState } from './state.ts'

/** What is there before the first wished sync, or that sync when nothing is. */
export const upToSync = (
  state: PipelineState,
  moment: Moment,
): readonly [PipelineState, Moment] => {
  const sync = state.manual.find((one) => one.sync !== undefined)
  if (!sync) return [state, moment]
  const triggers = state.window.triggers.filter(({ seq }) => seq < sync.seq)
  const window = { ...state.window, triggers }
  const before = state.manual.takeUntil((one) => one === sync)
  const isFirst = before.isEmpty() && triggers.length === 0
  const manual = isFirst ? state.manual.take(1) : before
  return [
    { ...state, window, manual },
    { ...moment, seq: sync.seq },
  ]
}

/** The versions as they were in the window, for newer ones may have come since. */
export const pinInWindow = (
  { definition, window }: PipelineState,
  pinned: Record<string, VersionRef>,
) => {
  const newest = new Map(window.triggers.map(({ version }) => [version.asset, version]))
  const refs = Object.entries(pinned).map(([slot, version]) => [
    slot,
    newest.get(definition!.slots[slot]!) ?? version,
  ])
  return Object.fromEntries(refs) as Record<string, VersionRef>
}
