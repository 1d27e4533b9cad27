/**
 * The log as it happens. Reads through the log's own door, so it sees what the rooms see: decoded,
 * in order, from wherever it is asked to begin.
 */
import { parseDuration } from '@headway/schemas/config/units.ts'
import { topicKinds, type Commit, type Log, type TopicKind } from '@headway/schemas/ports.ts'
import { untilStopped } from '@headway/streams/room.ts'
import { subjectOf } from '@headway/streams/subjects.ts'
import { CliError, commandLine } from '../errors.ts'
import { withLog } from '../nats.ts'
import { outputClosed, paint, print } from '../terminal.ts'
import { fieldsOf, styleOf } from '../telling.ts'
import type { Invocation } from './entry.ts'

type Filter = { readonly kinds?: readonly TopicKind[]; matches(commit: Commit): boolean }

/** A topic as it is printed, `asset/pims/prod`, or as NATS has it, `asset.pims.prod.>`. */
const patternOf = (subject: string): readonly string[] => {
  const [kind = '', ...name] = subject.split('/')
  if (name.length > 0) {
    const topic = { kind: kind as TopicKind, name: name.filter(Boolean).join('/') }
    return subjectOf('any', topic).split('.').with(1, '*')
  }
  const given = subject.split('.').filter(Boolean)
  return given[0] === 'headway' || given[0] === '>' ? given : ['headway', '*', ...given]
}

/** A pattern that ends early means everything below it, because that is what is typed. */
const filterOf = (subject: string | undefined): Filter => {
  if (subject === undefined) return { matches: () => true }
  const pattern = patternOf(subject)
  const kind = pattern[2]
  const isKnown = topicKinds.includes(kind as TopicKind)
  if (!isKnown && kind !== undefined && kind !== '*' && kind !== '>')
    throw new CliError('usage', `${subject} names no kind of thing: ${topicKinds.join(', ')}`, [
      `${commandLine('sub asset/pims/prod')}\tis what the sources of pims/prod did`,
    ])
  const end = pattern.indexOf('>')
  const head = end < 0 ? pattern : pattern.slice(0, end)
  const matches = ({ tenant, topic }: Commit): boolean => {
    const tokens = subjectOf(tenant, topic).split('.')
    return head.every((token, i) => token === '*' || token === tokens[i])
  }
  return isKnown ? { kinds: [kind as TopicKind], matches } : { matches }
}

/** The first position recorded at or after a moment: times in the log only grow. */
const seqAt = async (log: Log, at: number, head: number): Promise<number> => {
  let [low, high] = [1, head + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const commit = await log.at(middle)
    if (commit && commit.at >= at) high = middle
    else low = middle + 1
  }
  return low
}

const firstSeq = async (log: Log, options: Invocation['options']): Promise<number> => {
  if (options.all) return 1
  const { seq: head } = await log.head()
  const since = options.since
  if (typeof since !== 'string') return head + 1
  if (/^\d+$/.test(since)) return Number(since)
  const agoMs = parseDuration(since)
  if (agoMs === null)
    throw new CliError('usage', `--since ${since} is neither a time ago nor a position`, [
      `${commandLine('sub --since 10m')}\tis the last ten minutes`,
      `${commandLine('sub --since 1200')}\tis from position 1200 on`,
    ])
  return seqAt(log, Date.now() - agoMs, head)
}

const linesOf = (commit: Commit, json: boolean): readonly string[] => {
  const { tenant, topic, seq, at } = commit
  if (json) {
    const base = { tenant, seq, at: new Date(at).toISOString(), topic }
    return commit.problem === undefined
      ? commit.events.map((event, index) => JSON.stringify({ ...base, index, event }))
      : [JSON.stringify({ ...base, unreadable: commit.problem })]
  }
  const owner = tenant === 'default' ? '' : `${tenant}:`
  const clock = new Date(at).toTimeString().slice(0, 8)
  const time = `${clock}.${String(at % 1_000).padStart(3, '0')}`
  const head = `${paint('dim', `${time}  ${String(seq).padStart(6)}`)}  ${owner}${topic.kind} ${topic.name}`
  if (commit.problem !== undefined)
    return [`${head}  ${paint('red', 'unreadable')}  ${commit.problem}`]
  return commit.events.map((event) => {
    const style = styleOf(event.type)
    const type = style ? paint(style, event.type) : event.type
    return `${head}  ${type}  ${fieldsOf(event)}`.trimEnd()
  })
}

const countOf = (value: unknown): number => {
  const count = value === undefined ? Infinity : Number(value)
  if (count >= 1) return count
  throw new CliError('usage', `--count ${String(value)} is no number from 1 on`)
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const filter = filterOf(args[0])
  let left = countOf(options.count)
  await withLog({ ensureStreams: false }, async (log) => {
    const commits = log.tail({
      from: await firstSeq(log, options),
      ...(typeof options.tenant === 'string' ? { tenant: options.tenant } : {}),
      ...(filter.kinds ? { kinds: filter.kinds } : {}),
      signal: AbortSignal.any([untilStopped(), outputClosed]),
    })
    for await (const batch of commits)
      for (const commit of batch) {
        if (!filter.matches(commit)) continue
        for (const line of linesOf(commit, options.json === true)) {
          print(line)
          if (--left <= 0) return
        }
      }
  })
}
