/** What brought an event about, back to where its story began; and what came of it. */
import type { ReactNode } from 'react'
import { never, useApi } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { Commit, RowOf } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { State } from '../ui/state.tsx'
import { VersionLink } from './run/data.tsx'

type Cause = RowOf<'GET /api/v1/log/{seq}/causes'>

const runOf = ({ events }: Commit): string | null => {
  for (const event of events) {
    const { run, origin } = event as { run?: unknown; origin?: { run?: unknown } }
    if (typeof run === 'string') return run
    if (typeof origin?.run === 'string') return origin.run
  }
  return null
}

const Part = ({ here, children }: { readonly here?: boolean; readonly children: ReactNode }) => (
  <li aria-current={here ? 'step' : undefined}>{children}</li>
)

type Refs = Parameters<typeof VersionLink>[0]['of'][]
const Before = ({ cause, refs }: { readonly cause: Cause; readonly refs: Readonly<Refs> }) => {
  const { seq, kind, name, by, id, types } = cause
  const event = <Link to={paths.commit(seq)}>event {seq}</Link>
  if (by === 'run')
    return (
      <Part>
        {event} asked for <Link to={paths.run(id)}>a run of {name}</Link>
      </Part>
    )
  if (by !== 'version')
    return (
      <Part>
        {event}: {types[0]} of {kind} {name}
      </Part>
    )
  const isOurs = refs.some(({ version }) => version === id)
  return (
    <Part>
      {event}:{' '}
      {isOurs ? (
        refs.map((ref) => (
          <span key={ref.version}>
            <VersionLink of={ref} />{' '}
          </span>
        ))
      ) : (
        <Link to={paths.version(name, id)}>{name}</Link>
      )}
      {refs.length > 1 ? 'were new' : 'was new'}
    </Part>
  )
}

/** Where the version came from with which a story began. */
const useOrigin = (of: { readonly asset: string; readonly version: string } | null) =>
  useApi(
    of &&
      addressOf('GET /api/v1/assets/{key}/versions/{version}', {
        path: { key: of.asset, version: of.version },
      }),
    never,
  ).data

export const Chain = ({ commit }: { readonly commit: Commit }) => {
  const id = runOf(commit)
  const { data: run } = useApi(
    id === null ? null : addressOf('GET /api/v1/runs/{id}', { path: { id } }),
    never,
  )
  const { data: causes } = useApi(
    addressOf('GET /api/v1/log/{seq}/causes', { path: { seq: String(commit.seq) } }),
    never,
  )
  const before = (causes ?? []).toReversed()
  const [first] = before
  const versioned = commit.events.find(({ type }) => type === 'AssetVersioned') as
    | (Record<string, unknown> & { asset: string; version: string })
    | undefined
  const began = first?.by === 'version' ? { asset: first.name, version: first.id } : null
  const own = versioned && !id ? versioned : null
  const origin = useOrigin(own ?? began)?.origin
  if (!own && !run && before.length === 0) return null
  return (
    <ol className="chain" aria-label="causes">
      {origin?.by === 'fetch' && <Part>a fetch of {origin.url}</Part>}
      {before.map((cause) => (
        <Before key={cause.seq} cause={cause} refs={run?.triggeredBy ?? []} />
      ))}
      <Part here>event {commit.seq}: this one</Part>
      {own && (
        <Part>
          <Link to={`${paths.asset(own.asset)}?tab=used`}>what used it</Link>
        </Part>
      )}
      {run && (
        <Part>
          <Link to={paths.run(run.id)}>the run</Link> <State of={run.status} />
        </Part>
      )}
      {run?.artifacts?.map((artifact) => (
        <Part key={artifact.version}>
          <VersionLink of={artifact} /> {artifact.changed ? 'was published' : 'stayed as it was'}
        </Part>
      ))}
    </ol>
  )
}
