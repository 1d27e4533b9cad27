/** The least that could answer the same list: Fastify, pg, one statement, the rows as they are. */
import { createRequire } from 'node:module'
import type { App } from '@headway/api/api.ts'
import pg from 'pg'

const statement = `select * from headway.runs where tenant = $1 order by seq desc limit 21`
const fromApi = createRequire(new URL('../../services/api/package.json', import.meta.url))

export const startBare = async (
  pgUrl: string,
): Promise<{ readonly url: string; close(): Promise<void> }> => {
  const { fastify } = fromApi('fastify') as { fastify: () => App }
  const pool = new pg.Pool({ connectionString: pgUrl, max: 6 })
  // What autovacuum finds out within a minute: how many rows there are, for both.
  await pool.query('analyze')
  const app = fastify()
  app.get(
    '/runs',
    { config: { role: 'public' } },
    async () => (await pool.query(statement, ['default'])).rows as unknown,
  )
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const close = async () => {
    await app.close()
    await pool.end()
  }
  return { url, close }
}
