/** What brought an event about, and what came of it: versions, the run they triggered, what it made. */
import type { ReactNode } from 'react'
import { never, useApi } from '../api/cache.ts'
import type { Commit, Run, Version } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { State } from '../ui/state.tsx'
import { VersionLink } from './run/data.tsx'

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

export const Chain = ({ commit }: { readonly commit: Commit }) => {
  const id = runOf(commit)
  const { data: run } = useApi<Run>(id && `runs/${id}`, never)
  const versioned = commit.events.find(({ type }) => type === 'AssetVersioned') as
    | (Record<string, unknown> & { asset: string; version: string })
    | undefined
  const { data: version } = useApi<Version>(
    versioned && !id ? `assets/${versioned.asset}/versions/${versioned.version}` : null,
    never,
  )
  if (version)
    return (
      <ol className="chain" aria-label="causes">
        <Part>
          {version.origin.by === 'fetch' ? `a fetch of ${version.origin.url}` : version.origin.by}
        </Part>
        <Part here>
          <VersionLink of={version} />
        </Part>
        <Part>
          <Link to={`${paths.asset(version.asset)}?tab=used`}>what used it</Link>
        </Part>
      </ol>
    )
  if (!run) return null
  return (
    <ol className="chain" aria-label="causes">
      {run.triggeredBy.map((ref) => (
        <Part key={ref.version}>
          <VersionLink of={ref} /> was new
        </Part>
      ))}
      <Part here={commit.seq === run.seq}>
        <Link to={paths.commit(run.seq)}>event {run.seq}</Link> asked for{' '}
        <Link to={paths.run(run.id)}>a run of {run.pipelineId}</Link>
      </Part>
      {commit.seq !== run.seq && <Part here>event {commit.seq}: this one</Part>}
      <Part>
        <State of={run.status} />
      </Part>
      {run.artifacts?.map((artifact) => (
        <Part key={artifact.version}>
          <VersionLink of={artifact} /> {artifact.changed ? 'was published' : 'stayed as it was'}
        </Part>
      ))}
    </ol>
  )
}
