/**
 * What happens to a sink: what should be done, what was done and read back, what somebody else changed.
 * Who owns which key and what it held before follows from these alone.
 */
import { Type } from 'typebox'
import { Count, Digest, ErrorInfo, Name, Ulid } from '../definitions.ts'
import { AppliedEntry, driftKeysTold, SinkDefinition, syncModes } from '../rules/definition.ts'
import { event } from './event.ts'

const place = { sink: Name, environment: Type.String(), rule: Name }
const owned = { ...place, repository: Type.String() }

export const sinkEvents = {
  SinkDefined: event('SinkDefined', { sink: Name, definition: SinkDefinition }),
  SinkRemoved: event('SinkRemoved', { sink: Name }),
  /** On disk before the first write; the plan itself is in the content store. */
  SyncPlanned: event('SyncPlanned', {
    ...place,
    pipeline: Name,
    run: Ulid,
    epoch: Count,
    attempt: Count,
    repository: Type.String(),
    commit: Type.String(),
    mode: Type.Enum([...syncModes]),
    plan: Digest,
    writes: Count,
    deletes: Count,
    protected: Count,
  }),
  /** Several per sync when there is much to tell. */
  ValuesApplied: event('ValuesApplied', {
    ...place,
    run: Ulid,
    repository: Type.String(),
    commit: Type.String(),
    entries: Type.Array(AppliedEntry),
  }),
  /** Only after reading back. */
  SyncConfirmed: event('SyncConfirmed', {
    ...place,
    run: Ulid,
    commit: Type.String(),
    written: Count,
    deleted: Count,
    unchanged: Count,
  }),
  SyncFailed: event('SyncFailed', { ...place, run: Ulid, error: ErrorInfo }),
  /** When it begins, changes or ends, never on every look. */
  DriftFound: event('DriftFound', {
    ...owned,
    keys: Type.Array(Type.String(), { maxItems: driftKeysTold }),
    count: Count,
  }),
  /** The sink cannot be read: whether it drifted, nobody knows. */
  DriftUnknown: event('DriftUnknown', { ...owned, error: ErrorInfo }),
  DriftEnded: event('DriftEnded', owned),
  /** The run is asked for on its pipeline next, if it was not after this sequence. */
  HealRequested: event('HealRequested', { ...owned, pipeline: Name, run: Ulid, afterSeq: Count }),
} as const
