/**
 * What steps may ask about sinks, and write down: the ledger. Steps run in threads and never see the log;
 * they call here, and the room outside answers. Everything of a call is plain data. No value of a secret
 * is in any of it: what a key holds is `Held`.
 */
import type { ErrorInfo, SyncWish } from '@headway/schemas/definitions.ts'
import type { Held, SinkDefinition } from '@headway/schemas/rules/definition.ts'
import type { Owner } from '@headway/schemas/rules/ownership.ts'
import type { SyncPlan } from '@headway/schemas/rules/plan.ts'
import type { RestoredKey } from '@headway/schemas/rules/restore.ts'
import type { Static } from 'typebox'

type KeyOfFile = { readonly key: string; readonly file: string }

/** A plan as it is kept: which keys, what they held and what they will hold. */
export type PlanRecord = {
  readonly mode: SyncPlan['mode']
  readonly set: readonly KeyOfFile[]
  readonly adopt: readonly KeyOfFile[]
  readonly delete: readonly KeyOfFile[]
  readonly release: readonly KeyOfFile[]
  readonly protected: number
  readonly unchanged: number
  /** Null: the key was not there. */
  readonly previous: Readonly<Record<string, Held | null>>
  readonly values: Readonly<Record<string, Held>>
}

export type SinkPlaceOf = Owner & { readonly sink: string; readonly commit: string }

export type Standing = {
  readonly tenant: string
  readonly owned: readonly (KeyOfFile & { readonly held: Held | null })[]
  readonly others: readonly string[]
  /** A plan that was not confirmed, of this run or of one before it. */
  readonly open: {
    readonly isOurs: boolean
    readonly record: PlanRecord
    /** Keys that were told of already: what they held before this plan is no longer what counts. */
    readonly told: readonly string[]
  } | null
  /** An earlier attempt of this run got as far as confirming; nobody came after it. */
  readonly isConfirmed: boolean
  /** What it is to hold again, when that was asked for; null when it never held that. */
  readonly restored: readonly RestoredKey[] | null
}

export type Restore = NonNullable<SyncWish['restore']>

export type LedgerCall =
  | {
      readonly type: 'read'
      readonly place: SinkPlaceOf
      readonly definition: SinkDefinition
      readonly restore?: Restore
    }
  | { readonly type: 'plan'; readonly place: SinkPlaceOf; readonly record: PlanRecord }
  | { readonly type: 'confirm'; readonly place: SinkPlaceOf }
  | {
      readonly type: 'fail'
      readonly place: SinkPlaceOf
      readonly error: Static<typeof ErrorInfo>
    }

/** What the room answers a call with: a `Standing` for `read`, else nothing. */
export type LedgerAnswers = (call: LedgerCall) => Promise<Standing | null>

export type Ledger = {
  read(place: SinkPlaceOf, definition: SinkDefinition, restore?: Restore): Promise<Standing>
  /** On disk when it resolves: only then may a sink be written to. */
  plan(place: SinkPlaceOf, record: PlanRecord): Promise<void>
  /** The open plan is what the sink holds now: it was read back. */
  confirm(place: SinkPlaceOf): Promise<void>
  fail(place: SinkPlaceOf, error: Static<typeof ErrorInfo>): Promise<void>
}

export const ledgerBy = (answer: LedgerAnswers): Ledger => ({
  read: async (place, definition, restore) =>
    (await answer({ type: 'read', place, definition, ...(restore ? { restore } : {}) }))!,
  plan: async (place, record) => void (await answer({ type: 'plan', place, record })),
  confirm: async (place) => void (await answer({ type: 'confirm', place })),
  fail: async (place, error) => void (await answer({ type: 'fail', place, error })),
})

type Question = { readonly type: 'asked'; readonly id: number; readonly call: LedgerCall }
export type LedgerAnswer = {
  readonly type: 'answered'
  readonly id: number
  readonly answer?: Standing | null
  readonly problem?: string
}
export type LedgerQuestion = Question

/** The thread's end of the line: calls go out with a number and come back with it. */
export class LedgerLine {
  readonly #ask: (question: Question) => void
  readonly #waiting = new Map<number, (answer: LedgerAnswer) => void>()
  #asked = 0

  constructor(ask: (question: Question) => void) {
    this.#ask = ask
  }

  readonly ledger = ledgerBy(
    (call) =>
      new Promise((resolve, reject) => {
        const id = this.#asked++
        this.#waiting.set(id, ({ answer = null, problem }) =>
          problem === undefined ? resolve(answer) : reject(new Error(problem)),
        )
        this.#ask({ type: 'asked', id, call })
      }),
  )

  hear(answer: LedgerAnswer): void {
    this.#waiting.get(answer.id)?.(answer)
    this.#waiting.delete(answer.id)
  }
}
