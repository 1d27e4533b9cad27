/** Commands that nobody can carry out: they block nobody and are there to be seen. */
import { placeOf, recordedAt, type Fact } from './read-model.ts'

export const refusedCommands: Fact<'refused_commands'> = {
  kind: 'fact',
  table: 'refused_commands',
  version: 1,
  rows: {
    CommandRefused: (recorded) => {
      const { queue, about, problem, deliveries, sample } = recorded.event
      const at = recordedAt(recorded)
      return { ...placeOf(recorded), queue, about, problem, deliveries, sample, recorded_at: at }
    },
  },
}
