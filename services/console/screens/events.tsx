/** The log, decoded: only the rows that can be seen are drawn, and each tells what it is about. */
import { useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { never, useApi, useMore } from '../api/cache.ts'
import { onEvents } from '../api/live.ts'
import type { Commit, Run } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Card, Copy, Empty, Loaded, Page } from '../ui/page.tsx'
import { Json } from '../ui/json.tsx'
import { clockOf } from '../ui/time.tsx'
import { Chain } from './chain.tsx'

const rowPx = 36
const spare = 12
const kinds = [
  'asset',
  'pipeline',
  'run',
  'release',
  'worker',
  'interaction',
  'source',
  'rule',
  'sink',
]
const dull = new Set(['type', 'v', 'at', 'run', 'asset', 'pipeline', 'attempt', 'logs', 'findings'])

type Told = Readonly<Record<string, unknown>>
const refsOf = (refs: unknown): string =>
  ((refs ?? []) as { asset: string; ordinal: number }[])
    .map(({ asset, ordinal }) => `${asset} #${ordinal}`)
    .join(', ')
const word = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const stories: Readonly<Record<string, (event: Told) => string>> = {
  AssetVersioned: ({ ordinal, sizeBytes, rows }) =>
    `#${word(ordinal)}, ${word(sizeBytes)} bytes, ${word(rows)} rows`,
  RunRequested: ({ reason, triggeredBy }) => `${word(reason)} ${refsOf(triggeredBy)}`,
  ArtifactPublished: ({ asset, ordinal }) => `published ${word(asset)} #${word(ordinal)}`,
  RunCompleted: () => 'completed',
  StepFailed: ({ step, error }) => `${word(step)}: ${word((error as Told).message)}`,
}
const plainStory = (event: Told): string =>
  Object.entries(event)
    .filter(([name, value]) => !dull.has(name) && value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name} ${word(value)}`)
    .join(', ')

/** The story of a commit in one line: what can be told best is told. */
export const previewOf = ({ events, problem }: Commit): string => {
  if (problem) return `unreadable: ${problem}`
  const told = events.flatMap((event) => stories[event.type]?.(event) ?? [])
  return (told.length > 0 ? told.join('; ') : plainStory(events[0] ?? {})).slice(0, 240)
}
const typesOf = ({ events }: Commit): string => {
  const types = [...new Set(events.map(({ type }) => type))]
  const more = events.length > 1 ? ` (${events.length})` : ''
  return `${types.slice(0, 2).join(', ')}${types.length > 2 ? '…' : ''}${more}`
}

const Rows = ({
  commits,
  chosen,
  onChoose,
  onEnd,
}: {
  readonly commits: readonly Commit[]
  readonly chosen: number | null
  readonly onChoose: (seq: number) => void
  readonly onEnd?: () => void
}) => {
  const [top, setTop] = useState(0)
  const frame = useRef<HTMLDivElement>(null)
  const height = Math.max(800, frame.current?.clientHeight ?? 0)
  const from = Math.max(0, Math.floor(top / rowPx) - spare)
  const shown = commits.slice(from, Math.ceil((top + height) / rowPx) + spare)
  const place = (element: HTMLElement | null, name: string, px: number) =>
    element?.style.setProperty(name, `${px}px`)
  return (
    <div
      ref={frame}
      className="events-list"
      tabIndex={0}
      role="region"
      aria-label="events"
      onScroll={({ currentTarget }) => {
        setTop(currentTarget.scrollTop)
        const { scrollTop, scrollHeight, clientHeight } = currentTarget
        if (scrollHeight - scrollTop - clientHeight < 600) onEnd?.()
      }}
    >
      <div ref={(element) => place(element, 'height', commits.length * rowPx)}>
        {shown.map((commit, i) => (
          <button
            key={commit.seq}
            type="button"
            className="event-row"
            aria-pressed={commit.seq === chosen}
            ref={(element) => place(element, 'top', (from + i) * rowPx)}
            onClick={() => onChoose(commit.seq)}
          >
            <span className="number quiet">{commit.seq}</span>
            <span className="number quiet" title={commit.at}>
              {clockOf(commit.at)}
            </span>
            <span>{typesOf(commit)}</span>
            <span>
              <span className="quiet">{commit.kind}</span> {commit.name}
            </span>
            <span className="quiet">{previewOf(commit)}</span>
          </button>
        ))}
      </div>
    </div>
  )
}

export const CommitCard = ({ seq }: { readonly seq: number }) => {
  const result = useApi<Commit>(`log/${seq}`, never)
  const { set } = useQuery()
  return (
    <Loaded result={result}>
      {(commit) => (
        <Card
          title={`Event ${seq}`}
          beside={
            <span className="row">
              <Copy text={`nats stream get EVENTS ${seq}`} label="Copy as nats command" />
              <Copy text={JSON.stringify(commit, null, 2)} label="Copy JSON" />
              <button
                type="button"
                className="plain"
                aria-label="close"
                onClick={() => set({ seq: null })}
              >
                ✕
              </button>
            </span>
          }
        >
          <div className="card-body stack">
            <p>
              <strong>{typesOf(commit)}</strong>{' '}
              <span className="quiet">
                {commit.kind} {commit.name}, {commit.at}
              </span>
            </p>
            <Chain commit={commit} />
            <Json of={commit.problem ?? commit.events} />
          </div>
        </Card>
      )}
    </Loaded>
  )
}

let newest = 0
const newestSeq = () => newest
const followNewest = (listener: () => void) =>
  onEvents((events) => {
    newest = Math.max(newest, events.at(-1)?.seq ?? 0)
    listener()
  })

export const Events = () => {
  const { query, set } = useQuery()
  const filter = new URLSearchParams()
  for (const name of ['kind', 'type', 'q']) if (query.get(name)) filter.set(name, query.get(name)!)
  filter.set('limit', '300')
  const path = `log?${filter}`
  const result = useApi<Commit[]>(path, never)
  const { rows, hasMore, load } = useMore(result, path)
  const loading = useRef(false)
  const head = useSyncExternalStore(followNewest, newestSeq)
  const shownHead = rows[0]?.seq ?? 0
  const chosen = query.get('seq') ? Number(query.get('seq')) : null
  const older = () => {
    if (loading.current || !hasMore) return
    loading.current = true
    void load().finally(() => (loading.current = false))
  }
  return (
    <Page
      title="Events"
      beside={<span>The log: everything that is known here follows from it.</span>}
      actions={
        head > shownHead && shownHead > 0 ? (
          <button type="button" className="primary" onClick={result.reload}>
            {head - shownHead} new ↑
          </button>
        ) : undefined
      }
    >
      <div className="filters">
        <label>
          Search
          <input
            type="search"
            placeholder="name, id or text   /"
            defaultValue={query.get('q') ?? ''}
            onKeyDown={(event) => event.key === 'Enter' && set({ q: event.currentTarget.value })}
          />
        </label>
        <label>
          About
          <select
            value={query.get('kind') ?? ''}
            onChange={(event) => set({ kind: event.target.value })}
          >
            <option value="">everything</option>
            {kinds.map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </label>
        <label>
          Type
          <input
            placeholder="StepFailed"
            defaultValue={query.get('type') ?? ''}
            onKeyDown={(event) => event.key === 'Enter' && set({ type: event.currentTarget.value })}
          />
        </label>
      </div>
      {chosen !== null && <CommitCard key={chosen} seq={chosen} />}
      <Card>
        <Loaded result={result}>
          {() =>
            rows.length > 0 ? (
              <Rows
                commits={rows}
                chosen={chosen}
                onChoose={(seq) => set({ seq: String(seq) })}
                onEnd={older}
              />
            ) : (
              <Empty title="No event is like this in the newest 3,000">
                {hasMore ? (
                  <button type="button" onClick={() => void load()}>
                    Look further back
                  </button>
                ) : (
                  <Link to="/events">Show all events</Link>
                )}
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}

export const RunEvents = ({ run }: { readonly run: Run }) => {
  const { query, set } = useQuery()
  const result = useApi<Commit[]>(
    `log?q=${run.id}&after=${run.seq - 1}&before=${run.seq + 3_000}&limit=500`,
    ({ runs }) => runs.includes(run.id),
  )
  const chosen = query.get('seq') ? Number(query.get('seq')) : null
  const commits = useMemo(() => (result.data ?? []).toReversed(), [result.data])
  return (
    <>
      {chosen !== null && <CommitCard key={chosen} seq={chosen} />}
      <Card
        title="What the log says of this run"
        beside={<Link to={paths.commit(run.seq)}>Open in events</Link>}
      >
        <Loaded result={result}>
          {() => (
            <Rows commits={commits} chosen={chosen} onChoose={(seq) => set({ seq: String(seq) })} />
          )}
        </Loaded>
      </Card>
    </>
  )
}
