/** Sources, rules and sinks as they are defined, and how to ask for a repository by hand. */
import { Type } from 'typebox'
import type { SourceDefinition } from '@headway/schemas/rules/definition.ts'
import { base, type Api, type Routes } from '../api.ts'
import { Seq } from '../shapes.ts'
import { isTaskEnded, untilTaskEnded } from '../task-report.ts'
import { TaskShape } from '../task-shape.ts'
import { requestSync, WantedSync } from '../webhooks/manual.ts'
import { actorOf, keyOf, patience } from '../write.ts'
import { Wait } from './tasks.ts'

const Accepted = Type.Object({
  task: Type.String(),
  repeated: Type.Boolean(),
  status: Type.String(),
})
const SourceShape = Type.Object({
  id: Type.String(),
  platform: Type.String(),
  url: Type.String(),
  webhook: Type.String({ description: 'where its platform delivers' }),
  verified: Type.Boolean({ description: 'signatures are checked' }),
  definition: Type.Unknown({ description: 'secrets are named, never shown' }),
  seq: Seq,
})
const DefinedShape = Type.Object({ id: Type.String(), definition: Type.Unknown(), seq: Seq })

const sourcesOf = ({ db, tenant }: Api) =>
  db
    .selectFrom('sources')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('removed', '=', false)
    .where('definition', 'is not', null)
    .orderBy('source')
    .execute()

export const sourcesRoutes: Routes = (app, api) => {
  app.get(
    `${base}/sources`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Where pushes come from',
        tags: ['configuration'],
        response: { 200: Type.Array(SourceShape) },
      },
    },
    async () =>
      (await sourcesOf(api)).map((row) => {
        const definition = row.definition as SourceDefinition
        return {
          id: row.source,
          platform: definition.platform,
          url: definition.url,
          webhook: `${base}/webhooks/${row.source}`,
          verified: definition.webhook?.verify !== false,
          definition,
          seq: row.seq,
        }
      }),
  )
  app.get(
    `${base}/rules`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Which files of which repositories go where',
        tags: ['configuration'],
        response: { 200: Type.Array(DefinedShape) },
      },
    },
    async () => {
      const rows = await api.db
        .selectFrom('rules')
        .selectAll()
        .where('tenant', '=', api.tenant)
        .where('removed', '=', false)
        .orderBy('rule')
        .execute()
      return rows.map(({ rule, definition, seq }) => ({ id: rule, definition, seq }))
    },
  )
  app.post(
    `${base}/sources/:source/sync`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Bring a repository’s configuration to its sinks now, without a push',
        tags: ['configuration'],
        params: Type.Object({ source: Type.String() }),
        querystring: Type.Object({ wait: Wait }),
        body: WantedSync,
        response: { 200: TaskShape, 202: Accepted },
      },
    },
    async (request, reply) => {
      const { source } = request.params
      const { name: actor } = actorOf(request, request.body)
      const id = keyOf(request) ?? request.id
      const { task, repeated } = await requestSync(api, source, request.body, { actor, id })
      void reply.header('location', `${base}/tasks/${task}`)
      const { wait = 0 } = request.query
      const found =
        wait > 0 ? await untilTaskEnded(api, task, patience(api, reply, wait * 1_000)) : null
      if (found && isTaskEnded(found)) return reply.code(200).send(found)
      return reply.code(202).send({ task, repeated, status: 'accepted' })
    },
  )
}
