/**
 * The Postgres of the peers that stand on one: ours, with the memory and connections that Postgres itself
 * comes with. Where a second may be lost, a commit answers before its log is synced; the writer syncs
 * every 200 ms, so that at most three times that is lost.
 */
import { join } from 'node:path'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { load, type Durability } from './peer.ts'

type Pool = {
  query<Row>(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly Row[] }>
  end(): Promise<void>
}
type Pg = { readonly Pool: new (options: object) => Pool }

export type Database = {
  readonly url: string
  readonly version: string
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  count(from: string): Promise<number>
  stop(): Promise<void>
}

/** Connections of one peer; more of them only wait for the same two cores. */
export const connections = 20

export const startDatabase = async (
  directory: string,
  durability: Durability,
): Promise<Database> => {
  const server = await startPostgres({
    dataDir: join(directory, 'pg'),
    settings: {
      synchronous_commit: durability === 'second' ? 'off' : 'on',
      shared_buffers: '128MB',
      wal_buffers: '4MB',
      max_connections: '100',
      max_wal_size: '1GB',
    },
  })
  const pool = new (load<Pg>('pg').Pool)({ connectionString: server.url, max: 1 })
  const query = async <Row>(text: string, values?: readonly unknown[]) =>
    (await pool.query<Row>(text, values)).rows
  return {
    url: server.url,
    version: server.version,
    query,
    count: async (from) => {
      const [row] = await query<{ count: number }>(`select count(*)::int count from ${from}`)
      return row!.count
    },
    stop: async () => {
      await pool.end()
      await server.stop()
    },
  }
}
