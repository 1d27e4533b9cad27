/**
 * Which events of a run count. Run id and attempt are the fence of everything a worker says: what an
 * attempt says after a newer one was heard, or after the run ended, changes nothing anywhere.
 *
 *   unknown   nobody asked for the run: nothing counts
 *   ended     the first terminal event of the current attempt was recorded: nothing counts any more
 *   open      events of the current attempt and of newer ones count; a newer one becomes current
 */
import type { Event } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'

export type RunEvent = Extract<Event, { attempt: number }>

export const isRunEvent = (event: Event): event is RunEvent => 'attempt' in event

export const isEnded = ({ status }: Row<'runs'>): boolean =>
  status === 'completed' || status === 'failed' || status === 'dead_lettered'

export const isEffective = (run: Row<'runs'> | undefined, event: RunEvent): boolean =>
  run !== undefined && !isEnded(run) && event.attempt >= run.attempt
