/** Versions of a pipeline's code: which is active, which still drain, and going there and back. */
import { useState } from 'react'
import { useApi } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import type { Pipeline, Release } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { askFor, Do, type Command, type Why } from '../ui/ask.tsx'
import { Card, Empty, Loaded } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago } from '../ui/time.tsx'

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

const activation = (pipeline: string, version: string) => (why: Why) =>
  client.ask('POST /api/v1/releases/{pipeline}/{version}/activate', {
    path: { pipeline, version },
    body: why,
  })

const activate = (release: Release, active: Release | undefined): Command => ({
  title: `Activate ${release.version.slice(0, 7)}`,
  says: (
    <>
      <p>{changesOf(active, release)}</p>
      <p>
        New runs use it from now on.{' '}
        {active
          ? `${active.openRunCount} runs stay on ${active.version.slice(0, 7)} until they are done.`
          : ''}{' '}
        {release.workers === 0 ? (
          <strong>⚠ No worker serves it yet: runs would wait.</strong>
        ) : (
          `${release.workers} ${release.workers === 1 ? 'worker serves' : 'workers serve'} it.`
        )}
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

const CanaryForm = ({
  release,
  onDone,
}: {
  readonly release: Release
  readonly onDone: () => void
}) => {
  const [runs, setRuns] = useState('5')
  return (
    <div className="filters card-body">
      <label>
        Runs to repeat on {release.version.slice(0, 7)}
        <input
          type="number"
          min="1"
          max="100"
          value={runs}
          onChange={(event) => setRuns(event.target.value)}
        />
      </label>
      <button
        type="button"
        className="primary"
        onClick={() => {
          askFor({
            title: 'Try it on real inputs',
            says: (
              <p>
                The last {runs} runs are repeated on {release.version.slice(0, 7)}; nothing is
                published, and what it makes is compared.
              </p>
            ),
            verb: 'Start canary',
            act: (why) =>
              client.ask('POST /api/v1/pipelines/{id}/canaries', {
                path: { id: release.pipelineId },
                body: { version: release.version, runs: Number(runs), ...why },
              }),
            done: 'The canary is asked for',
          })
          onDone()
        }}
      >
        Try it
      </button>
    </div>
  )
}

const Canaries = ({ id }: { readonly id: string }) => {
  const result = useApi(
    addressOf('GET /api/v1/pipelines/{id}/canaries', { path: { id } }),
    ({ name }) => name === id,
  )
  if (!result.data || result.data.length === 0) return null
  return (
    <Card title="Canaries">
      <Table
        label="canaries"
        rows={result.data}
        keyOf={(canary) => canary.id}
        columns={[
          { name: 'State', cell: ({ status }) => <State of={status} /> },
          { name: 'Version', cell: ({ version }) => <code>{version.slice(0, 7)}</code> },
          {
            name: 'Runs',
            cell: ({ completed, failed, runs }) => `${completed} of ${runs} done, ${failed} failed`,
          },
          { name: 'By', cell: ({ actor }) => actor.name },
          { name: 'Began', cell: ({ startedAt }) => <Ago at={startedAt} /> },
          {
            name: 'Do',
            cell: (canary) =>
              canary.status === 'running' ? (
                <Do
                  className="small"
                  command={{
                    title: 'Stop the canary',
                    says: <p>No more runs are repeated.</p>,
                    verb: 'Stop',
                    act: (why) =>
                      client.ask('DELETE /api/v1/canaries/{id}', {
                        path: { id: canary.id },
                        body: why,
                      }),
                    done: 'The canary ends',
                  }}
                />
              ) : (
                <span className="quiet">–</span>
              ),
          },
        ]}
      />
    </Card>
  )
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
  const active = result.data?.find((release) => release.active)
  return (
    <>
      <Card
        title="Versions of the code"
        beside={
          pipeline.previousVersion && (
            <Do
              command={{
                title: 'Roll back',
                says: (
                  <p>
                    <code>{pipeline.previousVersion}</code> becomes active again, for new runs, at
                    once.
                  </p>
                ),
                verb: 'Roll back',
                danger: true,
                act: (why) =>
                  client.ask('POST /api/v1/pipelines/{id}/rollback', { path: { id }, body: why }),
                done: 'Rolled back',
              }}
            >
              ↩ Roll back to {pipeline.previousVersion.slice(0, 7)}
            </Do>
          )
        }
      >
        {tried && <CanaryForm release={tried} onDone={() => setTried(null)} />}
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
                          {openRunCount} runs
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
                          <button type="button" className="small" onClick={() => setTried(release)}>
                            Canary…
                          </button>
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
