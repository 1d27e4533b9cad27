/**
 * How a feed is added. What is watched stands in a file that people review, and the command line writes it
 * there; so this makes the command, and the feed shows up on this screen by itself once it was run.
 */
import { useState } from 'react'
import { Card, Copy } from '../ui/page.tsx'

/** As one word of a shell, whatever is in it. */
const quoted = (word: string): string =>
  /^[\w./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

type Feed = { readonly url: string; readonly key: string; readonly every: string }
export const commandOf = ({ url, key, every }: Feed): string =>
  [
    `npm run headway -- add ${quoted(url.trim() || 'https://example.org/gtfs.zip')}`,
    ...(key.trim() ? [`--key ${quoted(key.trim())}`] : []),
    ...(every.trim() ? [`--every ${quoted(every.trim())}`] : []),
  ].join(' ')

const fields = [
  ['url', 'Address', 'https://example.org/gtfs.zip'],
  ['key', 'Name', 'from the address'],
  ['every', 'Look every', '1h, or 15s if realtime'],
] as const

export const AddFeed = ({ onDone }: { readonly onDone: () => void }) => {
  const [feed, setFeed] = useState<Feed>({ url: '', key: '', every: '' })
  const command = commandOf(feed)
  return (
    <Card
      title="Add a feed"
      beside={
        <button type="button" className="plain" aria-label="close" onClick={onDone}>
          ✕
        </button>
      }
    >
      <div className="card-body stack">
        <div className="filters">
          {fields.map(([name, label, placeholder]) => (
            <label key={name}>
              {label}
              <input
                name={name}
                size={name === 'url' ? 44 : 20}
                value={feed[name]}
                placeholder={placeholder}
                autoComplete="off"
                maxLength={2000}
                onChange={({ target }) => setFeed({ ...feed, [name]: target.value })}
              />
            </label>
          ))}
        </div>
        <p>
          Run this where Headway is installed. It looks at the address once, finds out what comes
          from there, writes an asset and a pipeline that publishes it into{' '}
          <code>headway.yaml</code>, and starts both.
        </p>
        <div className="row">
          <pre className="log">{command}</pre>
          <Copy text={command} />
        </div>
        <p className="quiet">
          From another folder or machine, set <code>HEADWAY_NATS_URL</code> to the NATS address that{' '}
          <code>npm start</code> printed.
        </p>
      </div>
    </Card>
  )
}
