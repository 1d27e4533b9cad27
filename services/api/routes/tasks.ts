/** Tasks: what became of each push that was accepted. */
import { Type } from 'typebox'
import { base, type Routes } from '../api.ts'
import { cutPage, olderThan, pageOf, paging } from '../list.ts'
import { unknown } from '../problem.ts'
import { IdParams } from '../shapes.ts'
import { presentTasks, readTask, untilTaskEnded } from '../task-report.ts'
import { TaskShape } from '../task-shape.ts'
import { patience } from '../write.ts'

export const Wait = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 120, description: 'seconds to wait for its end; 0' }),
)

export const tasksRoutes: Routes = (app, api) => {
  app.get(
    `${base}/tasks`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Pushes that were accepted, newest first, and what became of each',
        tags: ['configuration'],
        querystring: Type.Object({
          source: Type.Optional(Type.String()),
          repository: Type.Optional(Type.String()),
          ...paging(50),
        }),
        response: { 200: Type.Array(TaskShape) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0])
      const { source, repository } = request.query
      let query = api.db
        .selectFrom('tasks')
        .selectAll()
        .where('tenant', '=', api.tenant)
        .orderBy('seq', 'desc')
        .orderBy('task', 'desc')
        .limit(page.limit + 1)
      if (source !== undefined) query = query.where('source', '=', source)
      if (repository !== undefined) query = query.where('repository', '=', repository)
      if (page.after) query = query.where(olderThan(['seq'], page.after))
      const rows = cutPage(request, reply, page, await query.execute(), (row) => [row.seq])
      return presentTasks(api, rows)
    },
  )
  app.get(
    `${base}/tasks/:id`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What became of one push: every rule, environment, sink and file',
        tags: ['configuration'],
        params: IdParams,
        querystring: Type.Object({ wait: Wait }),
        response: { 200: TaskShape },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { wait = 0 } = request.query
      const signal = patience(api, reply, wait * 1_000)
      const found = await readTask(api, id)
      if (!found) throw unknown('task', id, 'tasks')
      return wait > 0 ? ((await untilTaskEnded(api, id, signal)) ?? found) : found
    },
  )
}
