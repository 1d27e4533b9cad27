/** Every push, poll or sync by hand, and what became of it in each sink. */
import { ofKind, useApi, useMore } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import type { Task } from '../../api/types.ts'
import { Link, paths } from '../../router.tsx'
import { Card, Empty, Loaded } from '../../ui/page.tsx'
import { State } from '../../ui/state.tsx'
import { More, Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { Commit } from './value.tsx'

type Target = Task['targets'][number]
const countsOf = ({ written, deleted, unchanged }: Target['sinks'][number]): string =>
  [
    [written, 'written'],
    [deleted, 'deleted'],
    [unchanged, 'unchanged'],
  ]
    .flatMap(([count, word]) => (count ? [`${count} ${word}`] : []))
    .join(', ')

const TargetLine = ({
  target: { rule, environment, run, outcome, reason, error, sinks },
}: {
  readonly target: Target
}) => (
  <li>
    {run ? <Link to={paths.run(run)}>{rule}</Link> : rule} {environment}
    {sinks.length === 0 && <span className="quiet"> {reason ?? outcome.replaceAll('_', ' ')}</span>}
    {error && <span> {error.message}</span>}
    {sinks.map((sink) => (
      <div key={`${sink.sink} ${sink.environment}`} className="row">
        <State of={sink.status} /> {sink.sink}{' '}
        <span className="quiet">{sink.error?.message ?? countsOf(sink)}</span>
      </div>
    ))}
  </li>
)

export const Pushes = () => {
  const path = addressOf('GET /api/v1/tasks', { query: { limit: 50 } })
  const result = useApi(path, ofKind('source', 'rule', 'sink', 'run'))
  const { rows, hasMore, load } = useMore(result, path)
  return (
    <Card title="Pushes">
      <Loaded result={result}>
        {() =>
          rows.length === 0 ? (
            <Empty title="Nothing was pushed yet">
              A push, a poll or a sync by hand is one task here.
            </Empty>
          ) : (
            <>
              <Table
                label="pushes"
                rows={rows}
                keyOf={({ id }) => id}
                columns={[
                  { name: 'State', cell: ({ status }) => <State of={status} /> },
                  {
                    name: 'What',
                    cell: ({ repository, ref }) => (
                      <>
                        <strong>{repository}</strong>{' '}
                        <span className="quiet">{ref.replace('refs/heads/', '')}</span>
                      </>
                    ),
                  },
                  {
                    name: 'Commit',
                    cell: ({ commit }) => (commit === null ? '–' : <Commit of={commit} />),
                  },
                  {
                    name: 'By',
                    cell: ({ actor, event }) => (
                      <>
                        {actor} <span className="quiet">{event}</span>
                      </>
                    ),
                  },
                  {
                    name: 'What became of it',
                    className: 'wide',
                    cell: ({ targets, note }) =>
                      targets.length === 0 ? (
                        <span className="quiet">{note ?? 'it is looked at'}</span>
                      ) : (
                        <ul className="targets">
                          {targets.map((target) => (
                            <TargetLine
                              key={`${target.rule} ${target.environment}`}
                              target={target}
                            />
                          ))}
                        </ul>
                      ),
                  },
                  {
                    name: 'When',
                    className: 'right',
                    cell: ({ receivedAt }) => <Ago at={receivedAt} />,
                  },
                ]}
              />
              {hasMore && <More load={load} />}
            </>
          )
        }
      </Loaded>
    </Card>
  )
}
