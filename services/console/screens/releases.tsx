/** Versions of a pipeline's code: which is active, which still drain, and going there and back. */
import { useState } from 'react'
import { useApi } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import type { Pipeline, Release } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { Do, Now, type Command, type Why } from '../ui/ask.tsx'
import { Card, Empty, Loaded } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago, counted } from '../ui/time.tsx'
import { Canaries, CanaryForm } from './canaries.tsx'

/** Steps that one release has and the other does not, or that are made otherwise. */
const changesOf = (from: Release | undefined, to: Release): string => {
  if (!from) return 'It is the first one.'
  const before = new Map(from.steps.map((step) => [step.id, step.type]))
  const after = new Map(to.steps.map((step) => [step.id, step.type]))
  const added = to.steps.filter(({ id }) => !before.has(id)).map(({ id }) => `+${id}`)
  const removed = from.steps.filter(({ id }) => !after.has(id)).map(({ id }) => `−${id}`)
  const changed = to.steps.filter(({ id, type }) => before.has(id) && before.get(id) !== type)
  const files = (to.artifacts ?? []).filter(
    ({ path, digest }) =>
      !(from.artifacts ?? []).some((old) => old.path === path && old.digest === digest),
  )
  const parts = [...added, ...removed, ...changed.map(({ id }) => `~${id}`)]
  const steps = parts.join(', ') || 'the same'
  const named = files.map(({ path }) => path).join(', ') || 'none'
  return `Steps: ${steps}. Files that differ: ${named}.`
}

const runsOnce = 'New runs use it, and one begins on the newest inputs.'

const activation = (pipeline: string, version: string) => (why: Why) =>
  client.ask('POST /api/v1/releases/{pipeline}/{version}/activate', {
    path: { pipeline, version },
    body: why,
  })

const Served = ({ release: { workers } }: { readonly release: Release }) =>
  workers === 0 ? (
    <strong>⚠ No worker serves it: runs would wait.</strong>
  ) : (
    `${counted(workers, 'worker')} ${workers === 1 ? 'serves' : 'serve'} it.`
  )

const activate = (release: Release, active: Release | undefined): Command => ({
  title: `Activate ${release.version.slice(0, 7)}`,
  says: (
    <>
      <p>{changesOf(active, release)}</p>
      <p>
        {runsOnce}{' '}
        {active && active.openRunCount > 0 && (
          <>
            {counted(active.openRunCount, 'run')} under way stay on {active.version.slice(0, 7)}
            .{' '}
          </>
        )}
        <Served release={release} />
      </p>
    </>
  ),
  verb: 'Activate',
  act: activation(release.pipelineId, release.version),
  done: `${release.version.slice(0, 7)} is active`,
  ...(active
    ? {
        undo: {
          title: 'Roll back',
          says: '',
          verb: 'Roll back',
          act: activation(release.pipelineId, active.version),
          done: `${active.version.slice(0, 7)} is active again`,
        },
      }
    : {}),
})

/** Going back twice is going forward: what was active before may be the newer code. */
const isNewer = (version: string, releases: readonly Release[]): boolean => {
  const at = (wanted: Release | undefined) => wanted?.registeredAt ?? ''
  const target = releases.find((release) => release.version === version)
  return at(target) > at(releases.find(({ active }) => active))
}

const goBack = (id: string, version: string, releases: readonly Release[]): Command => {
  const target = releases.find((release) => release.version === version)
  const active = releases.find((release) => release.active)
  const newer = isNewer(version, releases)
  return {
    title: newer ? 'Return to the newer code' : 'Roll back',
    says: (
      <>
        <p>
          <code>{version}</code>
          {newer && ', which is newer than what is active,'} becomes active again at once.{' '}
          {runsOnce}
        </p>
        {target && (
          <p>
            {changesOf(active, target)} <Served release={target} />
          </p>
        )}
      </>
    ),
    verb: newer ? 'Return to it' : 'Roll back',
    danger: true,
    act: (why) => client.ask('POST /api/v1/pipelines/{id}/rollback', { path: { id }, body: why }),
    done: `${version.slice(0, 7)} is active again`,
  }
}

export const Releases = ({ pipeline }: { readonly pipeline: Pipeline }) => {
  const { id } = pipeline
  const concern = ({ kind, name }: { kind: string; name: string }) =>
    name === id || kind === 'worker'
  const result = useApi(addressOf('GET /api/v1/releases', { query: { pipeline: id } }), concern)
  const activations = useApi(
    addressOf('GET /api/v1/pipelines/{id}/activations', { path: { id } }),
    concern,
  )
  const [tried, setTried] = useState<Release | null>(null)
  const releases = result.data ?? []
  const active = releases.find((release) => release.active)
  return (
    <>
      <Card
        title="Versions of the code"
        beside={
          pipeline.previousVersion && (
            <Do command={goBack(pipeline.id, pipeline.previousVersion, releases)}>
              {isNewer(pipeline.previousVersion, releases) ? '↪ Return' : '↩ Roll back'} to{' '}
              {pipeline.previousVersion.slice(0, 7)}
            </Do>
          )
        }
      >
        {tried && (
          <Now>
            <CanaryForm release={tried} onDone={() => setTried(null)} />
          </Now>
        )}
        <Loaded result={result}>
          {(data) =>
            data.length > 0 ? (
              <Table
                label="releases"
                rows={data}
                keyOf={({ version }) => version}
                columns={[
                  { name: 'State', cell: ({ state }) => <State of={state} /> },
                  {
                    name: 'Version',
                    cell: ({ version }) => (
                      <Link to={`${paths.pipeline(id)}?version=${version}`} title="its steps">
                        <code>{version}</code>
                      </Link>
                    ),
                  },
                  {
                    name: 'Still runs',
                    cell: ({ openRunCount, version }) =>
                      openRunCount > 0 ? (
                        <Link to={`/runs?pipeline=${id}&version=${version}&status=open`}>
                          {counted(openRunCount, 'run')}
                        </Link>
                      ) : (
                        <span className="quiet">nothing</span>
                      ),
                  },
                  { name: 'Workers', className: 'right', cell: ({ workers }) => workers },
                  { name: 'Steps', className: 'right', cell: ({ steps }) => steps.length },
                  { name: 'Registered', cell: ({ registeredAt }) => <Ago at={registeredAt} /> },
                  {
                    name: 'Do',
                    cell: (release) =>
                      release.active ? (
                        <span className="quiet">in use</span>
                      ) : release.retiredAt ? (
                        <span className="quiet">retired</span>
                      ) : (
                        <span className="row">
                          <Do className="small" command={activate(release, active)} />
                          <Now>
                            <button
                              type="button"
                              className="small"
                              onClick={() => setTried(release)}
                            >
                              Canary…
                            </button>
                          </Now>
                        </span>
                      ),
                  },
                ]}
              />
            ) : (
              <Empty title="No code yet">A worker that serves the folder registers it.</Empty>
            )
          }
        </Loaded>
      </Card>
      <Canaries id={id} />
      <Card title="Activations">
        <Loaded result={activations}>
          {(data) => (
            <Table
              label="activations"
              rows={data}
              keyOf={({ seq }) => String(seq)}
              columns={[
                { name: 'Version', cell: ({ version }) => <code>{version}</code> },
                { name: 'When', cell: ({ at }) => <Ago at={at} /> },
                { name: 'By', cell: ({ actor }) => actor.name },
                {
                  name: 'Reason',
                  cell: ({ actor }) => actor.reason ?? <span className="quiet">none given</span>,
                },
              ]}
            />
          )}
        </Loaded>
      </Card>
    </>
  )
}
