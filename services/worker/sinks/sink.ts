/**
 * The contract of a sink: a place outside where configuration ends up.
 *
 * A sink knows nothing of rules, files or history. It renders a value into its own canonical text, says
 * what it holds in that text, and writes and deletes keys. Every write can be repeated: an attempt that
 * died in the middle is made good by the same write again. Keys that nobody named stay as they are.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import type { Static, TObject } from 'typebox'

/** Canonical text of a value in this sink: two values are the same there when their texts are. */
export type Stored = string

/** Who writes, for sinks that can keep a label beside a value. */
export type SinkPlace = {
  /** managed-by, tenant, rule, environment, repository, commit. */
  readonly labels: Readonly<Record<string, string>>
  readonly now: string
}

export type SinkChanges = {
  readonly set: ReadonlyMap<string, Stored>
  readonly delete: readonly string[]
}

export type Sink = {
  /** `answer`: the target cannot be read, its own yes is all there is. Left out: by reading back. */
  readonly confirmedBy?: 'read' | 'answer'
  render(value: Plain): Stored
  /** What is there, of these keys or of everything in this sink's place. */
  read(keys: readonly string[] | 'all', signal: AbortSignal): Promise<ReadonlyMap<string, Stored>>
  write(changes: SinkChanges, place: SinkPlace, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export type SinkType<O extends TObject> = {
  readonly type: string
  /** `secret: true` marks strings that configuration gives as references (env:, file:, vault:). */
  readonly options: O
  /** Placeholders are filled in and secrets resolved by then. Nobody is asked before the first read. */
  readonly open: (options: Static<O>, signal: AbortSignal) => Promise<Sink>
}

/** Whatever its options: they were checked against the schema before it is opened. */
export type AnySinkType = Omit<SinkType<TObject>, 'open'> & {
  readonly open: (options: never, signal: AbortSignal) => Promise<Sink>
}

/** Why a sink failed. The message never holds a secret or a value. */
export class SinkError extends Error {
  override readonly name = 'SinkError'
  /** Worth another attempt: nobody there, too busy, broken. A refusal is not. */
  readonly retryable: boolean
  constructor(message: string, options: ErrorOptions & { readonly retryable: boolean }) {
    super(message, options)
    this.retryable = options.retryable
  }
}
