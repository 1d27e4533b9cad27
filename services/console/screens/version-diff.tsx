/** How two versions differ: the same content at one look, else facts, and lines where it is text. */
import { useEffect, useState } from 'react'
import type { Rendition, Version } from '../api/types.ts'
import { Card, Empty } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { bytesOf } from '../ui/time.tsx'

const textBytesMax = 200_000
const linesMax = 400
const isText = ({ mediaType, sizeBytes }: Rendition) =>
  /^text\/|json|xml|csv|yaml/.test(mediaType) && sizeBytes <= textBytesMax

type Line = { readonly sign: ' ' | '+' | '−'; readonly text: string }
/** The longest common lines of two texts, by the table that everybody knows. */
export const diffLines = (before: readonly string[], now: readonly string[]): Line[] => {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint16Array(now.length + 1))
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      lengths[i]![j] =
        before[i] === now[j]
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < now.length) {
    if (i < before.length && j < now.length && before[i] === now[j]) {
      lines.push({ sign: ' ', text: now[j]! })
      i++
      j++
    } else if (j < now.length && (i === before.length || lengths[i]![j + 1]! > lengths[i + 1]![j]!))
      lines.push({ sign: '+', text: now[j++]! })
    else lines.push({ sign: '−', text: before[i++]! })
  }
  return lines
}

const TextDiff = ({ from, to }: { readonly from: Rendition; readonly to: Rendition }) => {
  const [lines, setLines] = useState<readonly Line[] | null>(null)
  useEffect(() => {
    const read = async ({ href }: Rendition) =>
      (await (await fetch(href)).text()).split('\n').slice(0, 3_000)
    void Promise.all([read(from), read(to)]).then(([a, b]) => setLines(diffLines(a, b)))
  }, [from, to])
  if (!lines) return null
  const changed = lines.filter(({ sign }) => sign !== ' ').slice(0, linesMax)
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="lines that differ">
      <table className="diff">
        <tbody>
          {changed.map(({ sign, text }, i) => (
            <tr key={i} className={sign === '+' ? 'added' : 'removed'}>
              <td>
                {sign} {text}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export const VersionDiff = ({ from, to }: { readonly from: Version; readonly to: Version }) => {
  const title = `#${from.ordinal} → #${to.ordinal}`
  if (from.contentDigest === to.contentDigest)
    return (
      <Card title={title} beside={<State of="ok" word="same content" />}>
        <Empty title="The content is the same">
          {from.rawDigest === to.rawDigest
            ? 'Byte for byte.'
            : 'Only its packing is another: order, compression or time stamps.'}
        </Empty>
      </Card>
    )
  const names = [...new Set([...Object.keys(from.facts), ...Object.keys(to.facts)])]
  const rows = [
    ['size', bytesOf(from.sizeBytes), bytesOf(to.sizeBytes)] as const,
    ['rows', from.rows, to.rows] as const,
    ...names.map(
      (name) =>
        [name.replaceAll('_', ' '), from.facts[name] ?? '–', to.facts[name] ?? '–'] as const,
    ),
    ['content digest', from.contentDigest.slice(0, 12), to.contentDigest.slice(0, 12)] as const,
  ]
  const pairs = to.renditions.flatMap((rendition) => {
    const before = from.renditions.find(({ name }) => name === rendition.name)
    return before && isText(rendition) && isText(before) ? [[before, rendition] as const] : []
  })
  return (
    <Card title={title} beside={<State of="trouble" word="different" />}>
      <Table
        label="facts of both versions"
        rows={rows}
        keyOf={([name]) => name}
        columns={[
          { name: 'What', cell: ([name]) => name },
          { name: `#${from.ordinal}`, className: 'right', cell: ([, before]) => before },
          {
            name: `#${to.ordinal}`,
            className: 'right',
            cell: ([, before, now]) =>
              before === now ? <span className="quiet">{now}</span> : <strong>{now}</strong>,
          },
          {
            name: 'Change',
            className: 'right',
            cell: ([, before, now]) =>
              typeof before === 'number' && typeof now === 'number' && before !== now ? (
                `${now > before ? '+' : '−'}${Math.abs(now - before)}`
              ) : before === now ? (
                <span className="quiet">same</span>
              ) : (
                'other'
              ),
          },
        ]}
      />
      {pairs.map(([before, now]) => (
        <TextDiff key={now.name} from={before} to={now} />
      ))}
    </Card>
  )
}
