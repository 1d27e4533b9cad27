/** A value as text that can be read, with strings, numbers and names apart. */
import { Fragment, type ReactNode } from 'react'

const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/gi

export const Json = ({ of }: { readonly of: unknown }) => {
  const text = JSON.stringify(of, null, 2) ?? 'nothing'
  const parts: ReactNode[] = []
  let end = 0
  for (const match of text.matchAll(token)) {
    const [whole, string, colon, word] = match
    parts.push(text.slice(end, match.index))
    const kind = string ? (colon ? 'name' : 'string') : word ? 'word' : 'number'
    parts.push(
      <Fragment key={match.index}>
        <span className={`json-${kind}`}>{string ?? whole}</span>
        {colon}
      </Fragment>,
    )
    end = match.index + whole.length
  }
  parts.push(text.slice(end))
  return (
    <pre className="json" tabIndex={0} role="region" aria-label="JSON">
      {parts}
    </pre>
  )
}
