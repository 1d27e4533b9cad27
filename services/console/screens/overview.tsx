/** What needs somebody, and whether everything is well, at one look. */
import type { ReactNode } from 'react'
import { ofKind, useApi } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { DebounceWindow, Pipeline, RunSummary, Status } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { Bars } from '../ui/bars.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { RunTable } from '../ui/run-table.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago, Countdown, durationOf } from '../ui/time.tsx'

const HealthStrip = () => {
  const { data } = useApi(addressOf('GET /health/deep', {}), ofKind('worker', 'run'))
  if (!data) return null
  const { nats, postgres, projector, workers } = data.checks
  const parts = [
    ['Log', nats, nats.roundTripMs === undefined ? '' : `${nats.roundTripMs.toFixed(1)} ms`],
    [
      'Tables',
      postgres,
      postgres.roundTripMs === undefined ? '' : `${postgres.roundTripMs.toFixed(1)} ms`,
    ],
    ['Projector', projector, `${projector.lag ?? 0} behind`],
    ['Workers', workers, `${workers.connected ?? 0} connected`],
  ] as const
  return (
    <div className="strip" role="group" aria-label="health">
      {parts.map(([name, { status, detail }, figure]) => (
        <span key={name} title={detail}>
          {name} <State of={status} /> <span className="quiet number">{figure}</span>
        </span>
      ))}
    </div>
  )
}

const Counters = ({
  status: { runs, troubledAssets, openQuestions, pausedPipelines },
}: {
  readonly status: Status
}) => {
  const open = ['pending', 'running', 'retrying', 'waitingExternal'] as const
  const counters = [
    [
      'Under way',
      open.reduce((sum, name) => sum + (runs[name] ?? 0), 0),
      '/runs?status=open',
      false,
    ],
    ['Dead letters', (runs.deadLettered ?? 0) + (runs.failed ?? 0), '/dead-letters', true],
    ['Sources in trouble', troubledAssets, '/assets?show=trouble', true],
    ['Questions', openQuestions, '/approvals', true],
    ['Paused pipelines', pausedPipelines, '/pipelines', true],
    ['Runs in all', runs.total ?? 0, '/runs', false],
  ] as const
  return (
    <div className="counters">
      {counters.map(([label, count, to, needs]) => (
        <Link key={label} to={to} className={`counter ${needs && count > 0 ? 'needs' : ''}`}>
          <b>{count.toLocaleString('en')}</b>
          {label}
        </Link>
      ))}
    </div>
  )
}

export const Next = ({
  pipeline,
  open,
}: {
  readonly pipeline: Pipeline
  readonly open: DebounceWindow | undefined
}) => {
  if (pipeline.paused) return <State of="paused" />
  if (!open || open.state === 'idle') return <span className="quiet">when an input changes</span>
  if (open.state === 'blocked') return <span>held back: {open.waitingFor?.what}</span>
  return (
    <span>
      {open.triggerCount} {open.triggerCount === 1 ? 'change' : 'changes'}, runs in{' '}
      {open.dueAt ? <Countdown to={open.dueAt} /> : 'a moment'}
    </span>
  )
}

const medianOf = (runs: readonly RunSummary[]): string => {
  const took = runs
    .flatMap(({ durationMs }) => (durationMs === null ? [] : [durationMs]))
    .toSorted((a, b) => a - b)
  return took.length === 0 ? '–' : durationOf(took[Math.floor(took.length / 2)]!)
}

/** Of so many pipelines each may be asked for its own runs. */
const askedMax = 50

/** Busy neighbours fill the list of the newest runs; a pipeline that runs seldom is asked by itself. */
const RunsOfQuiet = ({
  id,
  show,
}: {
  readonly id: string
  readonly show: (own: readonly RunSummary[]) => ReactNode
}) => {
  const path = addressOf('GET /api/v1/runs', { query: { pipeline: id, limit: 20 } })
  return show(useApi(path, ({ name }) => name === id).data ?? [])
}

export const PipelineTable = ({ pipelines }: { readonly pipelines: readonly Pipeline[] }) => {
  const runs = useApi(
    addressOf('GET /api/v1/runs', { query: { limit: 200 } }),
    ofKind('run', 'pipeline'),
  )
  const windows = useApi(addressOf('GET /api/v1/windows', {}), ofKind('asset', 'pipeline'))
  const shownRuns = (
    { id, lastRun }: Pipeline,
    show: (own: readonly RunSummary[]) => ReactNode,
  ) => {
    const recent = (runs.data ?? []).filter(({ pipelineId }) => pipelineId === id)
    const asks = runs.data && recent.length === 0 && lastRun && pipelines.length <= askedMax
    return asks ? <RunsOfQuiet id={id} show={show} /> : show(recent)
  }
  return (
    <Table
      label="pipelines"
      rows={pipelines}
      keyOf={({ id }) => id}
      to={({ id }) => paths.pipeline(id)}
      columns={[
        {
          name: 'Pipeline',
          cell: ({ id }) => (
            <Link className="strong" to={paths.pipeline(id)}>
              {id}
            </Link>
          ),
        },
        { name: 'Last runs', cell: (one) => shownRuns(one, (own) => <Bars runs={own} />) },
        {
          name: 'Last',
          cell: ({ lastRun }) =>
            lastRun ? (
              <span className="row">
                <State of={lastRun.status} />
                <span className="quiet">
                  <Ago at={lastRun.requestedAt} />
                </span>
              </span>
            ) : (
              <span className="quiet">never ran</span>
            ),
        },
        { name: 'Median', className: 'right', cell: (one) => shownRuns(one, medianOf) },
        {
          name: 'Active',
          cell: ({ activeVersion }) =>
            activeVersion ? (
              <code>{activeVersion.slice(0, 7)}</code>
            ) : (
              <State of="warn" word="no code" />
            ),
        },
        {
          name: 'Runs next',
          cell: (pipeline) => (
            <Next
              pipeline={pipeline}
              open={windows.data?.find(({ pipelineId }) => pipelineId === pipeline.id)}
            />
          ),
        },
      ]}
    />
  )
}

export const Overview = () => {
  const status = useApi(
    addressOf('GET /api/v1/status', {}),
    ofKind('run', 'pipeline', 'asset', 'interaction', 'worker'),
  )
  const pipelines = useApi(
    addressOf('GET /api/v1/pipelines', {}),
    ofKind('pipeline', 'run', 'release'),
  )
  const runs = useApi(
    addressOf('GET /api/v1/runs', { query: { limit: 12 } }),
    ofKind('run', 'pipeline'),
  )
  return (
    <Page title="Overview">
      <Loaded result={status}>{(data) => <Counters status={data} />}</Loaded>
      <HealthStrip />
      <Card title="Pipelines" beside={<Link to="/assets?add=1">Add a feed</Link>}>
        <Loaded result={pipelines}>
          {(data) =>
            data.length > 0 ? (
              <PipelineTable pipelines={data} />
            ) : (
              <Empty title="No pipeline yet">
                <Link to="/assets?add=1">Add a feed</Link>, and a pipeline that publishes it
              </Empty>
            )
          }
        </Loaded>
      </Card>
      <Card title="Newest runs" beside={<Link to="/runs">All runs</Link>}>
        <Loaded result={runs}>
          {(data) =>
            data.length > 0 ? (
              <RunTable runs={data} />
            ) : (
              <Empty title="Nothing ran yet">
                A run begins when an input of a pipeline changes.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
