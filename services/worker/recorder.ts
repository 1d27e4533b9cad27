/**
 * What steps made, kept for the next attempt of the run. Recording costs an encoding, so a run that goes
 * well pays it only where redoing would cost more:
 *
 *   small bytes          told with the step's success
 *   a step that took long  recorded when it succeeds: its worker may die
 *   everything else      recorded when the attempt fails or is suspended
 */
import type { ContentKindName } from '@headway/schemas/content/kind.ts'
import type { Execution, Made } from './executor.ts'
import type { StepNode } from './steps/step.ts'

const inlineBytesMax = 1_024
const longMs = 500

export type Recorded = {
  readonly step: string
  readonly kind: ContentKindName
  readonly bytes: Uint8Array
}

const record = (step: string, { kind, value }: NonNullable<Made>): Recorded | null => {
  try {
    return { step, kind: kind.name, bytes: kind.encode(value)[0]!.bytes }
  } catch {
    // What cannot be written down is made again.
    return null
  }
}

export class Recorder {
  readonly #before: Execution['recorded']
  readonly #unrecorded = new Map<string, NonNullable<Made>>()

  constructor(before: Execution['recorded']) {
    this.#before = before
  }

  /** The value that an earlier attempt made; null when there is none that can be read. */
  reuse({ id, step: { output } }: StepNode): Made {
    const recorded = this.#before[id]
    if (recorded?.kind !== output.name) return null
    try {
      const value: unknown = output.parse(recorded.bytes)
      return { value, kind: output, rows: output.rows(value) }
    } catch {
      return null
    }
  }

  /** What is to be told of a value at once. */
  made(
    step: string,
    made: NonNullable<Made>,
    durationMs: number,
  ): { readonly inline?: Recorded; readonly recorded?: Recorded } {
    const isSmall = made.value instanceof Uint8Array && made.value.length <= inlineBytesMax
    const recorded = isSmall || durationMs >= longMs ? record(step, made) : null
    if (!recorded) this.#unrecorded.set(step, made)
    if (!recorded) return {}
    return isSmall ? { inline: recorded } : { recorded }
  }

  /** Everything that was made and not recorded yet. */
  rest(): Recorded[] {
    return [...this.#unrecorded].flatMap(([step, made]) => record(step, made) ?? [])
  }
}
