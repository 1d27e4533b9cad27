import type { Recorded } from './events.ts'

/**
 * A decider holds all rules of one thing and no effects: `decide` says which events a command means
 * in a state, an empty array when nothing is to be recorded; `evolve` is total and pure. Time and ids
 * come in with the command.
 */
export type Decider<Command, State, Event> = {
  readonly initial: State
  readonly evolve: (state: State, event: Recorded) => State
  readonly decide: (command: Command, state: State) => readonly Event[]
}

/** The state after a history. */
export const fold = <State>(
  evolve: (state: State, event: Recorded) => State,
  initial: State,
  history: Iterable<Recorded>,
): State => {
  let state = initial
  for (const recorded of history) state = evolve(state, recorded)
  return state
}
