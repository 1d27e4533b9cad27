/** NATS: version, streams and queues beside the code, its clock, and whether acknowledged means on disk. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect, type Drift, type ServerState } from '@headway/streams/inspect.ts'
import { isReachable } from '../nats.ts'
import { failed, ok, reasonOf, unknown, warning, type Check } from './check.ts'

const skewMsMax = 1_000
const roundTripMsMax = 50
const redeliveredMax = 100
const syncNanosDefault = 120e9

const driftText = (drift: readonly Drift[]): string =>
  drift
    .map(
      ({ option, wanted, actual }) =>
        `${option} ${JSON.stringify(actual)}, wanted ${JSON.stringify(wanted)}`,
    )
    .join('; ')

const streamChecks = ({ streams }: ServerState): readonly Check[] =>
  streams.map(({ name, drift, messages, bytes }) => {
    const about = `stream ${name}`
    if (drift === null)
      return failed(about, 'it is not there', 'start a room or run `headway apply`: that makes it')
    if (drift.length === 0) return ok(about, `${messages} messages, ${bytes} bytes`)
    return failed(
      about,
      `not as this version wants it: ${driftText(drift)}`,
      'restart a room of this version: it brings the stream to what the code says',
    )
  })

const consumerChecks = ({ consumers }: ServerState): readonly Check[] => {
  const queues = consumers.filter(({ stream, isDurable }) => stream === 'CONTROL' && isDurable)
  const strange = queues.filter(({ drift }) => drift.length > 0)
  const often = queues.filter(({ redelivered }) => redelivered > redeliveredMax)
  const waiting = queues.reduce((sum, one) => sum + one.pending, 0)
  const told = `${queues.length} queues, ${waiting} commands wait`
  return [
    strange.length === 0
      ? ok('queues', told)
      : failed(
          'queues',
          strange.map(({ name, drift }) => `${name}: ${driftText(drift)}`).join('; '),
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

type Ports = { readonly nats?: readonly string[]; readonly monitoring?: readonly string[] }
type Jsz = { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } }

/** Where the server that `headway start` keeps here can be asked; it writes that beside its store. */
const ownMonitor = async (natsUrl: string, folder: string): Promise<string | undefined> => {
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.ports'))
  const times = await Promise.all(
    files.map(async (name) => (await stat(join(folder, name))).mtimeMs),
  )
  const newest = files[times.indexOf(Math.max(...times))]
  if (newest === undefined) return undefined
  const ports: Ports = JSON.parse(await readFile(join(folder, newest), 'utf8'))
  return ports.nats?.includes(natsUrl.replace(/\/$/, '')) ? ports.monitoring?.[0] : undefined
}

/** Only the server's monitoring port tells it. */
export const syncCheck = async (
  env: NodeJS.ProcessEnv,
  natsUrl: string,
  folder = join('.headway', 'nats'),
): Promise<Check> => {
  const name = 'sync_interval'
  const own = () => ownMonitor(natsUrl, folder).catch(() => undefined)
  const monitor = env.HEADWAY_NATS_MONITOR_URL ?? (await own())
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
      await syncCheck(process.env, url),
    ]
    const head = state.streams.find(({ name }) => name === 'EVENTS')
    return { checks, headSeq: head?.lastSeq ?? null }
  } catch (error) {
    const fix = 'look at user, password and credentials: HEADWAY_NATS_URL, HEADWAY_NATS_CREDS'
    return { checks: [failed('NATS', reasonOf(error), fix)], headSeq: null }
  }
}
