/** NATS: version, streams and queues beside the code, its clock, and whether acknowledged means on disk. */
import { inspect, type ServerState } from '@headway/streams/inspect.ts'
import { isReachable } from '../nats.ts'
import { failed, ok, reasonOf, unknown, warning, type Check } from './check.ts'

const skewMsMax = 1_000
const roundTripMsMax = 50
const redeliveredMax = 100
const syncNanosDefault = 120e9

const streamChecks = ({ streams }: ServerState): readonly Check[] =>
  streams.map(({ name, differs, messages, bytes }) => {
    const about = `stream ${name}`
    if (differs === null)
      return failed(about, 'it is not there', 'start a room or run `headway apply`: that makes it')
    if (differs.length === 0) return ok(about, `${messages} messages, ${bytes} bytes`)
    return failed(
      about,
      `not as this version wants it: ${differs.join(', ')}`,
      'restart a room of this version: it brings the stream to what the code says',
    )
  })

const consumerChecks = ({ consumers }: ServerState): readonly Check[] => {
  const strange = consumers.filter(({ differs }) => differs.length > 0)
  const often = consumers.filter(({ redelivered }) => redelivered > redeliveredMax)
  const waiting = consumers.reduce((sum, one) => sum + one.waiting, 0)
  const told = `${consumers.length} queues, ${waiting} commands wait`
  return [
    strange.length === 0
      ? ok('queues', told)
      : failed(
          'queues',
          strange.map(({ name, differs }) => `${name}: ${differs.join(', ')}`).join('; '),
          `nats consumer rm CONTROL ${strange[0]!.name}, then restart the room: it is made again`,
        ),
    ...often.map(({ name, redelivered }) =>
      warning(
        `queue ${name}`,
        `${redelivered} commands are being delivered again`,
        'a worker dies or is stuck: `headway workers`, `headway dead-letters`',
      ),
    ),
  ]
}

const clockCheck = ({ skewMs, roundTripMs }: ServerState): Check => {
  const found = `NATS is ${Math.abs(skewMs)} ms ${skewMs < 0 ? 'behind' : 'ahead'}`
  return Math.abs(skewMs) <= Math.max(skewMsMax, roundTripMs)
    ? ok('clock of NATS', found)
    : warning(
        'clock of NATS',
        found,
        'let both machines follow one clock: timedatectl set-ntp true',
      )
}

type Jsz = { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } }

/** Only the server's monitoring port tells it. */
export const syncCheck = async (env: NodeJS.ProcessEnv): Promise<Check> => {
  const name = 'sync_interval'
  const monitor = env.HEADWAY_NATS_MONITOR_URL
  if (!monitor)
    return unknown(
      name,
      'a server tells its fsync policy on its monitoring port only',
      'start it with `http_port: 8222` and set HEADWAY_NATS_MONITOR_URL=http://host:8222',
    )
  try {
    const answer = await fetch(`${monitor.replace(/\/$/, '')}/jsz?config=true`, {
      signal: AbortSignal.timeout(2_000),
    })
    const { config = {} } = (await answer.json()) as Jsz
    if (config.sync_always) return ok(name, 'always: acknowledged means on disk')
    return failed(
      name,
      `every ${Math.round((config.sync_interval ?? syncNanosDefault) / 1e9)} s: a power cut loses the rest`,
      'set `sync_interval: always` in the jetstream block and restart nats-server',
    )
  } catch (error) {
    return unknown(name, reasonOf(error), 'look at HEADWAY_NATS_MONITOR_URL')
  }
}

export type NatsFindings = { readonly checks: readonly Check[]; readonly headSeq: number | null }

export const checkNats = async (url: string): Promise<NatsFindings> => {
  const shown = url.replace(/\/\/[^/@]*@/, '//')
  if (!(await isReachable(url))) {
    const fix = 'npm start starts one; HEADWAY_NATS_URL or --context names another'
    return { checks: [failed('NATS', `nobody answers at ${shown}`, fix)], headSeq: null }
  }
  try {
    const state = await inspect(url)
    const { version, isOld, roundTripMs, denied } = state
    const found = `${version} at ${shown}, ${roundTripMs.toFixed(1)} ms away`
    const checks = [
      isOld
        ? failed('NATS', found, 'Headway needs 2.14 or newer: upgrade the server')
        : roundTripMs > roundTripMsMax
          ? warning('NATS', found, 'every write waits for it: put rooms and server closer together')
          : ok('NATS', found),
      denied.length === 0
        ? ok('permissions', 'this connection may look at every stream')
        : failed('permissions', `may not ${denied.join(', ')}`, 'use credentials of the role cli'),
      ...streamChecks(state),
      ...consumerChecks(state),
      clockCheck(state),
      await syncCheck(process.env),
    ]
    const head = state.streams.find(({ name }) => name === 'EVENTS')
    return { checks, headSeq: head?.lastSeq ?? null }
  } catch (error) {
    const fix = 'look at user, password and credentials: HEADWAY_NATS_URL, HEADWAY_NATS_CREDS'
    return { checks: [failed('NATS', reasonOf(error), fix)], headSeq: null }
  }
}
