/**
 * Runs that were asked for here and are not on the log as requests yet: `Location` of a 202 must lead
 * somewhere at once. Lost on a restart, and not missed for long: the log has the question itself.
 */
import type { Actor } from '@headway/schemas/definitions.ts'
import { viewed } from './view.ts'

export type AcceptedRun = {
  readonly id: string
  readonly pipeline: string
  readonly actor: Actor
  readonly at: string
  readonly seq: number
  /** With inputs of its own. */
  readonly pinned: boolean
}

const rememberedMax = 1_000

export class Accepted {
  readonly #runs = new Map<string, AcceptedRun>()

  add(run: AcceptedRun): void {
    this.#runs.set(run.id, run)
    if (this.#runs.size > rememberedMax) this.#runs.delete(this.#runs.keys().next().value!)
  }

  get(id: string): AcceptedRun | null {
    return viewed() ? null : (this.#runs.get(id) ?? null)
  }
}
