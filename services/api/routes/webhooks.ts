/** Where Git platforms deliver. What is answered with a task is on the log; what is not may come again. */
import { Type } from 'typebox'
import { base, type Api, type App, type Routes } from '../api.ts'
import { untilTaskEnded, isTaskEnded } from '../task-report.ts'
import { TaskShape } from '../task-shape.ts'
import { receive, requireSource, tooOften, type Received } from '../webhooks/receive.ts'
import type { Headers } from '../webhooks/platform.ts'
import { patience } from '../write.ts'
import { Wait } from './tasks.ts'

const bodyBytesMax = 10 * 1024 * 1024

const SourceParams = Type.Object({ source: Type.String() })
const Accepted = Type.Object({
  task: Type.String(),
  tasks: Type.Array(Type.String(), { description: 'one per ref that moved' }),
  repeated: Type.Boolean({ description: 'the log has had this delivery before' }),
  verified: Type.Boolean(),
  status: Type.String(),
})
const Ignored = Type.Object({
  status: Type.Literal('ignored'),
  reason: Type.String(),
  verified: Type.Boolean(),
})

const headersOf = (given: Readonly<Record<string, string | string[] | undefined>>): Headers =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  )

type Reply = Parameters<Parameters<App['setErrorHandler']>[0]>[2]

const answer = async (
  api: Api,
  reply: Reply,
  { verified, outcome }: Received,
  waitS: number,
): Promise<unknown> => {
  if (!verified) void reply.header('headway-unverified', 'the signature was not checked')
  if ('ignored' in outcome)
    return reply.code(200).send({ status: 'ignored', reason: outcome.ignored, verified })
  const { task } = outcome
  void reply.header('location', `${base}/tasks/${task}`)
  if (waitS > 0) {
    const found = await untilTaskEnded(api, task, patience(api, reply, waitS * 1_000))
    if (found && isTaskEnded(found)) return reply.code(200).send(found)
  }
  return reply.code(202).send({ ...outcome, verified, status: 'accepted' })
}

export const webhooksRoutes: Routes = (app, api) =>
  void app.register(async (scope: typeof app) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: bodyBytesMax },
      (_, body, done) => done(null, body),
    )
    // Before the body is read: a flood costs as little as can be.
    scope.addHook('onRequest', async (request, reply) => {
      const { source = '' } = request.params as { source?: string }
      const { addresses } = api.limits
      const name = `${source} ${request.ip}`
      const waitMs = addresses.take(name, performance.now())
      void reply.headers(addresses.tell(name))
      if (waitMs > 0) throw tooOften(waitMs, 'this address')
      await requireSource(api, source)
    })
    for (const dryRun of [false, true])
      scope.post(
        `${base}/webhooks/:source${dryRun ? '/dry-run' : ''}`,
        {
          config: { role: 'public', anyMedia: true },
          bodyLimit: bodyBytesMax,
          schema: {
            summary: dryRun
              ? 'What a delivery would do, without writing anything'
              : 'Deliveries of GitHub, GitLab, Gitea and Bitbucket',
            tags: ['configuration'],
            params: SourceParams,
            querystring: Type.Object({ wait: Wait }),
            response: { 200: Type.Union([Ignored, TaskShape]), 202: Accepted },
          },
        },
        async (request, reply) => {
          const { source } = request.params
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
          const headers = headersOf(request.headers)
          const received = await receive(api, { source, headers, body, dryRun })
          return answer(api, reply as unknown as Reply, received, request.query.wait ?? 0) as never
        },
      )
  })
