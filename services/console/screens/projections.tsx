/** How far the tables are in the log, how fast they go, and the copy that proves them. */
import { any, useApi } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import { useEvery } from '../ui/every.ts'
import { Card, Loaded, Page } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { bytesOf, durationOf } from '../ui/time.tsx'
import { ProjectionCopy, type Projections as Answer } from './projection-copy.tsx'

type Group = Answer['groups'][number]

const restMs = 2_000
const busyMs = 400
const number = (count: number): string => count.toLocaleString('en')
const rows = (count: number): string => `${number(count)} ${count === 1 ? 'row' : 'rows'}`

const Groups = ({ answer: { groups, work, copy } }: { readonly answer: Answer }) => {
  const differing = copy ? work?.comparison?.differing : undefined
  const standing = ({ tables }: Group) => {
    if (!differing) return null
    const wrong = tables.filter(({ name }) => name in differing)
    if (wrong.length === 0) return <State of="ok" word="equal" />
    return <State of="degraded" word={wrong.map(({ name }) => name).join(', ')} />
  }
  return (
    <Card title="Read models">
      <Table
        label="read models"
        rows={groups}
        keyOf={({ name }) => name}
        columns={[
          { name: 'Of', className: 'strong', cell: ({ name }) => name },
          {
            name: 'Tables',
            className: 'wide',
            cell: ({ tables }) => (
              <span className="table-names">
                {tables.map(({ name, rows: count, estimated }) => (
                  <span key={name} title={`${estimated ? 'about ' : ''}${rows(count)}`}>
                    <code>{name}</code>
                  </span>
                ))}
              </span>
            ),
          },
          { name: 'Rows', className: 'right', cell: ({ rows: count }) => number(count) },
          { name: 'Size', className: 'right', cell: ({ bytes }) => bytesOf(bytes) },
          { name: 'At event', className: 'right', cell: ({ seq }) => number(seq) },
          {
            name: 'Behind',
            className: 'right',
            cell: ({ lag, lagMs }) => (lag === 0 ? '0' : `${number(lag)}, ${durationOf(lagMs)}`),
          },
          {
            name: 'Rows/s',
            className: 'right',
            cell: ({ rowsPerSecond }) => number(rowsPerSecond),
          },
          ...(differing ? [{ name: 'Compared', cell: standing }] : []),
        ]}
      />
    </Card>
  )
}

const Position = ({ answer }: { readonly answer: Answer }) => {
  const { seq, headSeq, lag, lagMs, eventsPerSecond } = answer
  return (
    <div className="strip">
      <span>
        <State of={lag === 0 ? 'ok' : 'behind'} word={lag === 0 ? 'up to date' : 'behind'} />
      </span>
      <span className="number">
        at event {number(seq)} of {number(headSeq)}
      </span>
      <span className="number">
        {number(lag)} behind{lag === 0 ? '' : `, for ${durationOf(lagMs)}`}
      </span>
      <span className="number">{number(eventsPerSecond)} events/s</span>
    </div>
  )
}

export const Projections = () => {
  const result = useApi(addressOf('GET /api/v1/projections', {}), any)
  useEvery(result.data?.work?.status === 'running' ? busyMs : restMs, result.reload)
  return (
    <Page
      title="Projections"
      beside={<span>The tables that the log is mirrored in, and a copy to prove them by.</span>}
    >
      <Loaded result={result}>
        {(answer) => (
          <>
            <Position answer={answer} />
            <ProjectionCopy answer={answer} />
            <Groups answer={answer} />
          </>
        )}
      </Loaded>
    </Page>
  )
}
