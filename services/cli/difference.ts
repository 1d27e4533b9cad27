/** The difference between log and file as people read it: in the words of the file, not of the events. */
import type { Change, FieldChange } from '@headway/schemas/config.ts'
import { formatDuration, formatSize } from '@headway/schemas/config/units.ts'
import { paint } from './terminal.ts'

const names: Readonly<Record<string, string>> = {
  cadenceMs: 'every',
  fullFetchMs: 'fullFetchEvery',
  freshnessMs: 'fresh',
  sizeBytesMax: 'maxBytes',
  redirectsMax: 'redirects',
  'retry.backoffMsMax': 'retry.maxBackoff',
}
const marks = { added: '+', changed: '~', removed: '-' } as const
const styles = { added: 'green', changed: 'yellow', removed: 'red' } as const

const nameOf = (path: string): string => names[path] ?? path.replace(/Ms$/, '')

const valueOf = (path: string, value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number' && /Ms(Max)?$/.test(path)) return formatDuration(value)
  if (typeof value === 'number' && path.startsWith('sizeBytes')) return formatSize(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const fieldLine = ({ path, from, to }: FieldChange): string =>
  `    ${nameOf(path)}  ${valueOf(path, from)} → ${valueOf(path, to)}`

/** What a definition is about, in one line. */
const summaryOf = (change: Change): string => {
  if (change.kind === 'asset') {
    const { kind, url, cadenceMs } = (change.to ?? change.from)!
    return [kind, url, cadenceMs ? `every ${formatDuration(cadenceMs)}` : '']
      .filter(Boolean)
      .join('  ')
  }
  if (change.kind === 'pipeline') {
    const { slots, pool } = (change.to ?? change.from)!
    const bound = Object.entries(slots).map(([slot, asset]) => `${slot}=${asset}`)
    return [`pool ${pool}`, ...bound].join('  ')
  }
  if (change.kind === 'source') {
    const { platform, url } = (change.to ?? change.from)!
    return `${platform}  ${url}`
  }
  if (change.kind === 'sink') return (change.to ?? change.from)!.type
  const { source, repositories, sinks } = (change.to ?? change.from)!
  return `${source} ${repositories.join(' ')} → ${sinks.join(' ')}`
}

export const differenceText = (changes: readonly Change[]): string => {
  const width = Math.max(0, ...changes.map(({ name }) => name.length))
  return changes
    .map((change) => {
      const head = `${marks[change.change]} ${change.kind.padEnd(8)}  ${change.name}`
      const padding = ' '.repeat(width - change.name.length + 2)
      const summary =
        change.change === 'added' ? `${padding}${paint('dim', summaryOf(change))}` : ''
      const fields = change.change === 'changed' ? change.fields.map(fieldLine) : []
      return [`${paint(styles[change.change], head)}${summary}`, ...fields].join('\n')
    })
    .join('\n')
}

/** `3 added, 1 changed`. */
export const countText = (changes: readonly Change[]): string =>
  (['added', 'changed', 'removed'] as const)
    .map((kind) => ({ kind, count: changes.filter(({ change }) => change === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind}`)
    .join(', ')
