/**
 * The grammar of subjects, and the only place where one is written.
 *
 *   headway.<tenant>.<what>.<name…>            facts, on EVENTS
 *   headway.<tenant>.timer.<kind>.<name…>      armed schedules, on CONTROL
 *   headway.<tenant>.command.<kind>.<name…>    commands, on CONTROL
 *   headway.<tenant>.service.<name>            questions, answered at once, on no stream
 *   _headway.live.<key…>                       volatile facts, on LIVE
 *
 * A subject names what lives, never what happens, so their number is bounded by configuration. Parts
 * that users choose are encoded: everything outside `A-Z a-z 0-9 _ -` becomes `%XX`, and the parts of
 * an asset key become tokens, so `headway.*.asset.pims.prod.>` is every feed of that environment.
 */
import type { Command, CommandOf } from '@headway/schemas/commands.ts'
import {
  topicKinds,
  type Queue,
  type Timer,
  type Topic,
  type TopicKind,
} from '@headway/schemas/ports.ts'

const prefix = 'headway'

export const encodeToken = (text: string): string => {
  if (text === '') throw new Error('a subject token cannot be empty')
  return text.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}

const encodeKey = (key: string): string => key.split('/').map(encodeToken).join('.')
/** A token that is not what `encodeToken` makes stands for itself: somebody else wrote it. */
const decodeToken = (token: string): string => {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}
const decodeKey = (tokens: readonly string[]): string => tokens.map(decodeToken).join('/')

export const subjectOf = (tenant: string, topic: Topic): string =>
  `${prefix}.${encodeToken(tenant)}.${topic.kind}.${encodeKey(topic.name)}`

export const filterOf = (kind: TopicKind | '*', tenant?: string): string =>
  `${prefix}.${tenant === undefined ? '*' : encodeToken(tenant)}.${kind}.>`

const parsed = new Map<string, { tenant: string; topic: Topic }>()

/** Reads a subject back. Subjects are bounded, so what was read once is remembered. */
export const parseSubject = (subject: string): { tenant: string; topic: Topic } => {
  let result = parsed.get(subject)
  if (!result) {
    const [, tenant = '', kind = '', ...name] = subject.split('.')
    result = {
      tenant: decodeToken(tenant),
      topic: { kind: kind as TopicKind, name: decodeKey(name) },
    }
    parsed.set(subject, result)
  }
  return result
}

const timerName = (timer: Timer): string => {
  switch (timer.kind) {
    case 'due':
    case 'redrive':
    case 'drift':
      return encodeToken(timer.pipeline)
    case 'deadline':
      return `${encodeToken(timer.pipeline)}.${encodeToken(timer.about)}`
    case 'poll':
      return encodeToken(timer.source)
    default:
      return encodeKey(timer.asset)
  }
}

export const timerSubject = (timer: Timer): string =>
  `${prefix}.${encodeToken(timer.tenant)}.timer.${timer.kind}.${timerName(timer)}`

/** The version that a run command is for. */
export const versionOf = (command: CommandOf<'RunPipeline'>): string =>
  command.pipelineVersion ?? command.request.pipelineVersion

export const commandSubject = (tenant: string, command: Command): string => {
  const base = `${prefix}.${encodeToken(tenant)}.command`
  switch (command.type) {
    case 'FetchAsset':
      return `${base}.fetch.${encodeKey(command.asset)}`
    case 'ResolvePush':
    case 'PollSource':
      return `${base}.resolve.${encodeToken(command.source)}`
    case 'CheckDrift':
      return `${base}.drift.${encodeToken(command.pool)}.${encodeToken(command.pipeline)}`
    case 'CloseWindow':
      return `${base}.due.${encodeToken(command.pipeline)}`
    case 'RunPipeline':
      return `${base}.run.${encodeToken(command.request.pipeline)}.${versionOf(command)}`
  }
}

/** The pipeline, asset or source that a command's subject names. */
export const aboutOf = (subject: string): string => {
  const [, , , kind = '', ...name] = subject.split('.')
  return kind === 'fetch' ? decodeKey(name) : decodeToken(name[kind === 'drift' ? 1 : 0] ?? '')
}

/** The durable consumer behind a queue, and what it listens to. */
export const queueConsumer = (queue: Queue): { name: string; filter: string } => {
  if (queue.kind === 'drift') {
    const pool = encodeToken(queue.pool)
    return { name: `drift-${pool}`, filter: `${prefix}.*.command.drift.${pool}.>` }
  }
  if (queue.kind !== 'run')
    return { name: queue.kind, filter: `${prefix}.*.command.${queue.kind}.>` }
  const tenant = encodeToken(queue.tenant)
  const pipeline = encodeToken(queue.pipeline)
  return {
    name: `${tenant === 'default' ? '' : `${tenant}__`}${pipeline}__${queue.version}`,
    filter: `${prefix}.${tenant}.command.run.${pipeline}.${queue.version}`,
  }
}

/** Where a service of a tenant (null: of every tenant) is asked. No stream listens there. */
export const serviceSubject = (tenant: string | null, name: string): string =>
  `${prefix}.${tenant === null ? '*' : encodeToken(tenant)}.service.${encodeToken(name)}`

/** The tenant that all of these filters are about; null when they are about every one. */
export const tenantOfFilter = (filters: readonly string[]): string | null => {
  const tenants = new Set(filters.map((filter) => filter.split('.')[1] ?? '*'))
  const [only = '*'] = tenants
  return tenants.size !== 1 || only === '*' || only === '>' ? null : decodeToken(only)
}

export const liveSubject = (key: string): string => `_${prefix}.live.${encodeKey(key)}`
export const liveKey = (subject: string): string => decodeKey(subject.split('.').slice(2))
export const liveFilter = (keyPrefix: string): string => `${liveSubject(keyPrefix)}.>`

export const subjects = {
  events: topicKinds.map((kind) => `${prefix}.*.${kind}.>`),
  control: [`${prefix}.*.timer.>`, `${prefix}.*.command.>`],
  live: [`_${prefix}.live.>`],
  faults: [
    '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>',
    '$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>',
  ],
}
