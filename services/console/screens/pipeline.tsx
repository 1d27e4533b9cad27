/** One pipeline: its steps, what it runs next, its releases, and the brakes. */
import { useApi, type Concern } from '../api/cache.ts'
import type { Dag, Pipeline, RunSummary } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { Do } from '../ui/ask.tsx'
import { Bars } from '../ui/bars.tsx'
import { DagView } from '../ui/dag.tsx'
import { Card, Empty, Facts, Loaded, Page, Tabs } from '../ui/page.tsx'
import { RunTable } from '../ui/run-table.tsx'
import { State } from '../ui/state.tsx'
import { durationOf } from '../ui/time.tsx'
import { WhyCard, WindowRing } from './asset.tsx'
import { Releases } from './releases.tsx'

const Actions = ({ pipeline: { id, paused } }: { readonly pipeline: Pipeline }) => (
  <>
    <Do
      className="primary"
      command={{
        title: 'Run it now',
        says: <p>A run on the newest versions of its inputs, whether they changed or not.</p>,
        verb: 'Trigger',
        path: `pipelines/${id}/runs`,
        done: 'A run is asked for',
      }}
    />
    <Do
      command={{
        title: 'Close the window now',
        says: <p>What is gathered runs at once, without waiting for quiet.</p>,
        verb: 'Flush window',
        path: `pipelines/${id}/window/flush`,
        done: 'The window is flushed',
      }}
    />
    {paused ? (
      <Do
        command={{
          title: 'Resume',
          says: <p>What changed meanwhile runs at once, as one run.</p>,
          verb: 'Resume',
          path: `pipelines/${id}/resume`,
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
          path: `pipelines/${id}/pause`,
          done: `${id} is paused`,
          undo: {
            title: 'Resume',
            says: '',
            verb: 'Resume',
            path: `pipelines/${id}/resume`,
            done: `${id} runs again`,
          },
        }}
      />
    )}
  </>
)

const Flow = ({
  pipeline,
  concern,
}: {
  readonly pipeline: Pipeline
  readonly concern: Concern
}) => {
  const dag = useApi<Dag>(
    `pipelines/${encodeURIComponent(pipeline.id)}/dag`,
    ({ kind, name }) => kind !== 'run' && name === pipeline.id,
  )
  const runs = useApi<RunSummary[]>(
    `runs?pipeline=${encodeURIComponent(pipeline.id)}&limit=20`,
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
      <Card title="Steps">
        <Loaded result={dag}>{(data) => <DagView dag={data} />}</Loaded>
      </Card>
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
  const path = `pipelines/${encodeURIComponent(id)}`
  const result = useApi<Pipeline>(path, concern)
  const runs = useApi<RunSummary[]>(`runs?pipeline=${encodeURIComponent(id)}&limit=20`, concern)
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
            <span>{pipeline.runs.toLocaleString('en')} runs</span>
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
              { id: 'why', label: 'Why', body: () => <WhyCard path={path} concern={concern} /> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  )
}
