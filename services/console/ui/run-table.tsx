/** Runs in rows, the same wherever they are listed. */
import type { RunSummary } from '../api/types.ts'
import { Link, paths } from '../router.tsx'
import { Id } from './page.tsx'
import { State } from './state.tsx'
import { Table, type Column } from './table.tsx'
import { Ago, durationOf } from './time.tsx'

const columns: readonly Column<RunSummary>[] = [
  { name: 'State', cell: ({ status }) => <State of={status} /> },
  {
    name: 'Run',
    cell: ({ id }) => (
      <Link to={paths.run(id)}>
        <Id of={id} />
      </Link>
    ),
  },
  {
    name: 'Pipeline',
    cell: ({ pipelineId, pipelineVersion, canary }) => (
      <>
        <Link to={paths.pipeline(pipelineId)}>{pipelineId}</Link>{' '}
        <code className="quiet">{pipelineVersion?.slice(0, 7)}</code>
        {canary && <span className="quiet"> canary</span>}
      </>
    ),
  },
  {
    name: 'Why, and how it went',
    className: 'wide',
    cell: ({ error, waitingFor, why }) =>
      error ? (
        <span>
          <strong>{error.type}</strong> {error.message.slice(0, 120)}
        </span>
      ) : waitingFor ? (
        <span>
          waits for {waitingFor.what}
          {waitingFor.what !== 'answer' && (
            <span className="quiet">: {waitingFor.detail.slice(0, 90)}</span>
          )}
        </span>
      ) : (
        <span className="quiet">{why}</span>
      ),
  },
  {
    name: 'Took',
    className: 'right',
    cell: ({ durationMs }) => (durationMs === null ? '–' : durationOf(durationMs)),
  },
  { name: 'Asked for', className: 'right', cell: ({ requestedAt }) => <Ago at={requestedAt} /> },
]

type RunTableProps = {
  readonly runs: readonly RunSummary[]
  readonly hidePipeline?: boolean
  readonly chosen?: ReadonlySet<string>
  readonly onChoose?: (ids: ReadonlySet<string>) => void
}
export const RunTable = ({ runs, hidePipeline = false, chosen, onChoose }: RunTableProps) => (
  <Table
    label="runs"
    columns={hidePipeline ? columns.filter(({ name }) => name !== 'Pipeline') : columns}
    rows={runs}
    keyOf={({ id }) => id}
    to={({ id }) => paths.run(id)}
    {...(chosen && onChoose ? { chosen, onChoose } : {})}
  />
)
