/** Lines that two texts do not share. */
import { useEffect, useState } from 'react'
import type { Rendition } from '../api/types.ts'

const textBytesMax = 200_000
const linesMax = 400
export const isText = ({ mediaType, sizeBytes }: Rendition) =>
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

export const TextDiff = ({ from, to }: { readonly from: Rendition; readonly to: Rendition }) => {
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
