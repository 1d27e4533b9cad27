/** The log, decoded: only the rows that can be seen are drawn, and each tells what it is about. */
import { useMemo, useRef, useSyncExternalStore } from 'react'
import { never, useApi, useMore } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import { onEvents } from '../api/live.ts'
import type { Run } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Card, Copy, Empty, Loaded, Page } from '../ui/page.tsx'
import { Json } from '../ui/json.tsx'
import { Chain } from './chain.tsx'
import { natsCommandOf, Rows, typesOf } from './event-rows.tsx'

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
] as const
export const CommitCard = ({ seq }: { readonly seq: number }) => {
  const result = useApi(addressOf('GET /api/v1/log/{seq}', { path: { seq: String(seq) } }), never)
  const { set } = useQuery()
  return (
    <Loaded result={result}>
      {(commit) => (
        <Card
          title={`Event ${seq}`}
          beside={
            <span className="row">
              <Copy text={natsCommandOf(seq)} label="Copy as nats command" />
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
  const path = addressOf('GET /api/v1/log', {
    query: {
      kind: kinds.find((kind) => kind === query.get('kind')),
      type: query.get('type') || undefined,
      q: query.get('q') || undefined,
      limit: 300,
    },
  })
  const result = useApi(path, never)
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
  const result = useApi(
    addressOf('GET /api/v1/log', {
      query: { q: run.id, after: run.seq - 1, before: run.seq + 3_000, limit: 500 },
    }),
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
