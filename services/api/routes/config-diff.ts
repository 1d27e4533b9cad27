/** What differs between two moments of an environment, or between two environments. */
import { Type } from 'typebox'
import { base, type Routes } from '../api.ts'
import { differencesOf, stateAt } from '../config-state.ts'
import { ValueShape } from '../held.ts'
import { Problem } from '../problem.ts'

const Text = Type.String()
export const DifferenceShape = Type.Object({
  sink: Text,
  key: Text,
  change: Type.Enum(['added', 'removed', 'changed']),
  from: ValueShape,
  to: ValueShape,
})

const Moment = Type.Optional(Type.String({ description: 'a commit, a run, a time, 2h ago; now' }))
const Query = Type.Object({
  environment: Text,
  against: Type.Optional(Type.String({ description: 'another environment' })),
  from: Moment,
  to: Moment,
  rule: Type.Optional(Text),
  sink: Type.Optional(Text),
})

export const configDiffRoutes: Routes = (app, api) => {
  app.get(
    `${base}/config/diff`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What differs between two moments, or between two environments',
        tags: ['configuration'],
        querystring: Query,
        response: { 200: Type.Array(DifferenceShape) },
      },
    },
    async ({ query: { environment, against, from, to, rule, sink } }) => {
      if (against === undefined && from === undefined)
        throw new Problem(
          400,
          'bad_parameter',
          'say since when (?from= a commit, a run or a time) or ?against= which environment',
        )
      const one = { environment, rule, sink }
      const other = { environment: against ?? environment, rule, sink }
      const [before, after] = await Promise.all([
        stateAt(api, one, 'from', from),
        stateAt(api, other, 'to', to),
      ])
      return [...differencesOf(before, after)]
    },
  )
}
