/**
 * The debounce window of a pipeline. It opens with the first version of a slot's asset after the last
 * request and closes after `quietMs` without another one, at the latest `maxWaitMs` after it opened. All
 * moments are the log's own (`Recorded.at`), so no machine's clock can close a window early.
 *
 * A request carries the triggers up to the position it was decided on, at most as many as a message of
 * the log can hold; what is recorded later belongs to the next window. So the requests of a pipeline cut
 * the log into pieces without gap or overlap.
 */
import type { Actor, PipelineDefinition, VersionRef } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'

/** Versions that one request may carry, carried over ones included. */
export const triggersMax = 2_000

export type Trigger = { readonly seq: number; readonly at: number; readonly version: VersionRef }

export type Window = {
  readonly triggers: readonly Trigger[]
  readonly flushedBy: Actor | null
}
export const noWindow: Window = { triggers: [], flushedBy: null }

/** A version as requests and slots refer to it. */
export const versionRef = (event: EventOf<'AssetVersioned'>): VersionRef => ({
  asset: event.asset,
  version: event.version,
  ordinal: event.ordinal,
  digest: event.renditions[0]!.digest,
  sizeBytes: event.sizeBytes,
  kind: event.kind,
})

/** When the open window is due, milliseconds since 1970 UTC; null when there is none. */
export const closeAt = (
  { triggers, flushedBy }: Window,
  { quietMs, maxWaitMs }: PipelineDefinition['debounce'],
): number | null => {
  const first = triggers[0]
  const last = triggers.at(-1)
  if (!first || !last) return null
  return flushedBy ? 0 : Math.min(last.at + quietMs, first.at + maxWaitMs)
}

export const afterRequest = (
  { triggers }: Window,
  { throughSeq }: EventOf<'RunRequested'>,
): Window => ({
  triggers: triggers.filter(({ seq }) => seq > throughSeq),
  flushedBy: null,
})

/** What a request at position `seq` takes out of the window. Versions of one commit stay together. */
export const taken = (
  { triggers }: Window,
  seq: number,
): { readonly triggers: readonly Trigger[]; readonly throughSeq: number } => {
  const beyond = triggers[triggersMax]
  if (!beyond) return { triggers, throughSeq: seq }
  const inside = triggers.filter((trigger) => trigger.seq < beyond.seq)
  return inside.length > 0
    ? { triggers: inside, throughSeq: inside.at(-1)!.seq }
    : { triggers: triggers.filter((trigger) => trigger.seq === beyond.seq), throughSeq: beyond.seq }
}
