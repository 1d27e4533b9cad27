/** One pipeline: its steps, what it runs next, its releases, and the brakes. */
import { useApi, type Concern } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import type { Pipeline } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Do } from '../ui/ask.tsx'
import { Bars } from '../ui/bars.tsx'
import { DagView } from '../ui/dag.tsx'
import { Card, Empty, Facts, Loaded, Page, Tabs } from '../ui/page.tsx'
import { RunTable } from '../ui/run-table.tsx'
import { State } from '../ui/state.tsx'
import { counted, durationOf } from '../ui/time.tsx'
import { WindowRing } from './asset.tsx'
import { Releases } from './releases.tsx'
import { WhyCard } from './why.tsx'

const Actions = ({ pipeline: { id, paused } }: { readonly pipeline: Pipeline }) => (
  <>
    <Do
      className="primary"
      command={{
        title: 'Run it now',
        says: <p>A run on the newest versions of its inputs, whether they changed or not.</p>,
        verb: 'Trigger',
        act: async (why) => {
          const asked = await client.ask('POST /api/v1/pipelines/{id}/runs', {
            path: { id },
            body: why,
          })
          return paths.run(asked.data.id)
        },
        done: 'A run is asked for',
      }}
    />
    <Do
      command={{
        title: 'Close the window now',
        says: <p>What is gathered runs at once, without waiting for quiet.</p>,
        verb: 'Flush window',
        act: (why) =>
          client.ask('POST /api/v1/pipelines/{id}/window/flush', { path: { id }, body: why }),
        done: 'The window is flushed',
      }}
    />
    {paused ? (
      <Do
        command={{
          title: 'Resume',
          says: <p>What changed meanwhile runs at once, as one run.</p>,
          verb: 'Resume',
          act: (why) =>
            client.ask('POST /api/v1/pipelines/{id}/resume', { path: { id }, body: why }),
          done: `${id} runs again`,
        }}
      />
    ) : (
      <Do
        command={{
          title: 'Pause',
          says: (
            <p>
              Nothing new begins. Changes are gathered and run when it is resumed; what runs now
              goes on.
            </p>
          ),
          verb: 'Pause',
          act: (why) =>
            client.ask('POST /api/v1/pipelines/{id}/pause', { path: { id }, body: why }),
          done: `${id} is paused`,
          undo: {
            title: 'Resume',
            says: '',
            verb: 'Resume',
            act: (why) =>
              client.ask('POST /api/v1/pipelines/{id}/resume', { path: { id }, body: why }),
            done: `${id} runs again`,
          },
        }}
      />
    )}
  </>
)

/** The graph of the active version, or of any other that was ever registered. */
const Steps = ({ pipeline: { id, activeVersion } }: { readonly pipeline: Pipeline }) => {
  const { query, set } = useQuery()
  const version = query.get('version') ?? undefined
  const concern: Concern = ({ kind, name }) => kind !== 'run' && name === id
  const dag = useApi(
    addressOf('GET /api/v1/pipelines/{id}/dag', { path: { id }, query: { version } }),
    concern,
  )
  const releases = useApi(addressOf('GET /api/v1/releases', { query: { pipeline: id } }), concern)
  const others = (releases.data ?? []).filter((one) => one.version !== activeVersion)
  return (
    <Card
      title="Steps"
      beside={
        (others.length > 0 || version) && (
          <label className="row">
            <span className="quiet">of version</span>
            <select value={version ?? ''} onChange={({ target }) => set({ version: target.value })}>
              <option value="">{activeVersion?.slice(0, 7)}, active</option>
              {others.map((one) => (
                <option key={one.version} value={one.version}>
                  {one.version.slice(0, 7)}, {one.state}
                </option>
              ))}
            </select>
          </label>
        )
      }
    >
      <Loaded result={dag}>{(data) => <DagView dag={data} />}</Loaded>
    </Card>
  )
}

const Flow = ({
  pipeline,
  concern,
}: {
  readonly pipeline: Pipeline
  readonly concern: Concern
}) => {
  const runs = useApi(
    addressOf('GET /api/v1/runs', { query: { pipeline: pipeline.id, limit: 20 } }),
    concern,
  )
  const { slots, debounce, retry, concurrency, pool, folder, stepTimeoutMs, runTimeoutMs } =
    pipeline.definition
  return (
    <>
      <div className="columns">
        <Card title="What runs next">
          <div className="card-body stack">
            <WindowRing id={pipeline.id} />
            <ul>
              {Object.entries(slots).map(([slot, asset]) => (
                <li key={slot}>
                  <code>{slot}</code> <Link to={paths.asset(asset)}>{asset}</Link>
                </li>
              ))}
            </ul>
          </div>
        </Card>
        <Card title="Settings">
          <div className="card-body">
            <Facts
              facts={[
                ['Quiet for', durationOf(debounce.quietMs)],
                ['At most', durationOf(debounce.maxWaitMs)],
                ['Attempts', retry.attempts],
                ['At once', concurrency],
                ['Step may take', durationOf(stepTimeoutMs)],
                ['Run may take', durationOf(runTimeoutMs)],
                ['Pool', pool],
                ['Folder', <code key="folder">{folder}</code>],
              ]}
            />
          </div>
        </Card>
      </div>
      <p />
      <Steps pipeline={pipeline} />
      <Card title="Runs" beside={<Link to={`/runs?pipeline=${pipeline.id}`}>All of its runs</Link>}>
        <Loaded result={runs}>
          {(data) =>
            data.length > 0 ? (
              <RunTable runs={data} hidePipeline />
            ) : (
              <Empty title="It never ran">Trigger it, or wait until an input changes.</Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}

export const PipelineScreen = ({ id }: { readonly id: string }) => {
  const concern: Concern = ({ name }) => name === id
  const result = useApi(addressOf('GET /api/v1/pipelines/{id}', { path: { id } }), concern)
  const runs = useApi(
    addressOf('GET /api/v1/runs', { query: { pipeline: id, limit: 20 } }),
    concern,
  )
  const pipeline = result.data
  return (
    <Page
      back={{ to: '/pipelines', label: 'Pipelines' }}
      title={id}
      beside={
        pipeline && (
          <>
            {pipeline.paused ? (
              <State of="paused" />
            ) : (
              pipeline.lastRun && <State of={pipeline.lastRun.status} />
            )}
            <span>
              active <code>{pipeline.activeVersion ?? 'none'}</code>
            </span>
            <span>{counted(pipeline.runs, 'run')}</span>
            <Bars runs={runs.data ?? []} />
          </>
        )
      }
      actions={pipeline && <Actions pipeline={pipeline} />}
    >
      <Loaded result={result}>
        {(data) => (
          <Tabs
            tabs={[
              { id: 'flow', label: 'Flow', body: () => <Flow pipeline={data} concern={concern} /> },
              { id: 'releases', label: 'Releases', body: () => <Releases pipeline={data} /> },
              {
                id: 'why',
                label: 'Why',
                body: () => (
                  <WhyCard
                    path={addressOf('GET /api/v1/pipelines/{id}/why', { path: { id } })}
                    concern={concern}
                  />
                ),
              },
            ]}
          />
        )}
      </Loaded>
    </Page>
  )
}
