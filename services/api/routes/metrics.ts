/** Figures for Prometheus. Nothing is loaded, read or counted before somebody asks for them. */
import { Type } from 'typebox'
import type { Api, Routes } from '../api.ts'
import { LiveChecks } from '../live-checks.ts'

const freshMs = 2_000

const openMetrics = async (api: Api) => {
  const [{ openMeters }, { followLog }, { readAll }] = await Promise.all([
    import('../metrics/meters.ts'),
    import('../metrics/follow.ts'),
    import('../metrics/read.ts'),
  ])
  const meters = openMeters()
  const checks = new LiveChecks(api)
  await followLog(api, meters)
  let readAt = -Infinity
  let reading: Promise<void> | null = null
  /** Several scrapers at once cost what one does. */
  const read = (): Promise<void> => {
    if (performance.now() - readAt < freshMs) return Promise.resolve()
    return (reading ??= readAll(api, checks, meters)
      .then(() => void (readAt = performance.now()))
      .finally(() => (reading = null)))
  }
  return { meters, read }
}

export const metricsRoutes: Routes = (app, api) => {
  let opened: ReturnType<typeof openMetrics> | null = null
  app.get(
    '/metrics',
    {
      config: { role: 'viewer', anyMedia: true, unprojected: true },
      schema: {
        summary: 'Figures for Prometheus',
        tags: ['health'],
        produces: ['text/plain'],
        response: { 200: Type.String() },
      },
    },
    async (_, reply) => {
      opened ??= openMetrics(api).catch((error: unknown) => {
        opened = null
        throw error
      })
      const { meters, read } = await opened
      await read()
      void reply.type(meters.registry.contentType).header('cache-control', 'no-store')
      return reply.serializer(String).send(await meters.registry.metrics())
    },
  )
}
