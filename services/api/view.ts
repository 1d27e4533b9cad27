/**
 * Which state of the house a request is told: the newest, or the one as of an earlier commit of the log.
 * It goes along with everything the request does, so no route has to know: the database looks into the
 * tables of that state, and the clock stands at its moment. What is of no record is unknown then.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '@headway/schemas/ports.ts'

export type View = {
  readonly seq: number
  /** When the commit was recorded. */
  readonly at: number
  /** Where the read models of that state are. */
  readonly schema: string
}

const views = new AsyncLocalStorage<View>()

/** Null for the newest state. */
export const viewed = (): View | null => views.getStore() ?? null

export const lookingAt = <T>(view: View, act: () => T): T => views.run(view, act)

/** The clock, or the moment of the state that is looked at. */
export const clockOfView = (clock: Clock): Clock => ({
  now: () => viewed()?.at ?? clock.now(),
  sleep: (ms, signal) => clock.sleep(ms, signal),
})
