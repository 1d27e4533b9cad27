/** Postgres: whether it answers, may be written, agrees about the time, and how far the projector is. */
import pg from 'pg'
import { liveSchema, tables } from '@headway/schemas/tables.ts'
import { failed, ok, reasonOf, warning, type Check } from './check.ts'

const connectMsMax = 5_000
const skewMsMax = 1_000
const lagMax = 1_000
const majorMin = 14

type Asked = {
  readonly version: string
  readonly at: Date
  readonly may_create: boolean
  readonly tables: string[] | null
}
const question = `select current_setting('server_version') as version, clock_timestamp() as at,
  has_database_privilege(current_database(), 'create') as may_create,
  (select array_agg(table_name::text) from information_schema.tables where table_schema = $1) as tables`

const lagCheck = (seq: number | null, headSeq: number | null): Check => {
  const start = 'start the projector: `npm start`, or `headway rebuild` when it refuses'
  if (seq === null) return failed('projector', 'it has never been here', start)
  if (headSeq === null) return ok('projector', `at ${seq}; the log is not known`)
  const lag = Math.max(0, headSeq - seq)
  if (lag <= lagMax) return ok('projector', `${lag} commits behind`)
  return warning('projector', `${lag} commits behind`, start)
}

export const checkPostgres = async (url: string, headSeq: number | null): Promise<Check[]> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectMsMax,
    query_timeout: connectMsMax,
    application_name: 'headway-doctor',
  })
  // What happens to an idle connection is told by the next question.
  client.on('error', () => null)
  try {
    await client.connect()
    const before = Date.now()
    const { rows } = await client.query<Asked>(question, [liveSchema])
    const { version, at, may_create: mayCreate, tables: found } = rows[0]!
    const after = Date.now()
    const skewMs = Math.round(at.getTime() - (before + after) / 2)
    // It was read at some moment of the round trip.
    const isApart = Math.abs(skewMs) - (after - before) / 2 > skewMsMax
    const missing = Object.keys(tables).filter((name) => !found?.includes(name))
    const position = found?.includes('position')
      ? await client.query<{ seq: string }>(`select seq from ${liveSchema}.position`)
      : null
    const seq = position?.rows[0]?.seq
    return [
      Number.parseInt(version, 10) >= majorMin
        ? ok('Postgres', version)
        : failed('Postgres', version, `Headway needs ${majorMin} or newer`),
      mayCreate
        ? ok('rights in Postgres', 'may make tables')
        : failed('rights in Postgres', 'may not make schemas', 'grant create on database … to …'),
      missing.length === 0
        ? ok('read models', `${Object.keys(tables).length} tables`)
        : failed(
            'read models',
            `${missing.length} tables are missing: ${missing.slice(0, 3).join(', ')}`,
            'start the projector of this version: it makes them from the log',
          ),
      isApart
        ? warning('clock of Postgres', `${skewMs} ms apart`, 'timedatectl set-ntp true on both')
        : ok('clock of Postgres', `${skewMs} ms apart`),
      lagCheck(seq === undefined ? null : Number(seq), headSeq),
    ]
  } catch (error) {
    const fix = 'npm start starts one; HEADWAY_PG_URL names another'
    return [failed('Postgres', reasonOf(error), fix)]
  } finally {
    await client.end().catch(() => null)
  }
}
