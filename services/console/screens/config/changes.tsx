/** Who changed which key when, and from which commit. */
import { useApi, useMore } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import { Link, paths, useQuery } from '../../router.tsx'
import { Card, Empty, Loaded } from '../../ui/page.tsx'
import { More, Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { Choice, Commit, configEvents, useEnvironments, Value, Words } from './value.tsx'

const sinceOf = (rule: string, environment: string, from: string): string =>
  `/config?${new URLSearchParams({ tab: 'difference', rule, environment, from })}`

export const Changes = () => {
  const { query } = useQuery()
  const given = (name: string) => query.get(name) || undefined
  const path = addressOf('GET /api/v1/config/log', {
    query: {
      environment: given('environment'),
      sink: given('sink'),
      key: given('key'),
      commit: given('commit'),
      actor: given('actor'),
    },
  })
  const result = useApi(path, configEvents)
  const { rows, hasMore, load } = useMore(result, path)
  const sinks = useApi(addressOf('GET /api/v1/sinks', {}), configEvents)
  return (
    <>
      <div className="filters">
        <Choice label="Environment" name="environment" of={useEnvironments()} all="all" />
        <Choice label="Sink" name="sink" of={(sinks.data ?? []).map(({ id }) => id)} all="all" />
        <Words label="Key" name="key" placeholder="db.*   /" />
        <Words label="Commit" name="commit" placeholder="a1b2c3d" />
        <Words label="Who" name="actor" placeholder="who pushed" />
      </div>
      <Card title="Changes">
        <Loaded result={result}>
          {() =>
            rows.length > 0 ? (
              <>
                <Table
                  label="changes"
                  rows={rows.map((row, i) => [`${row.seq} ${i}`, row] as const)}
                  keyOf={([key]) => key}
                  columns={[
                    { name: 'When', cell: ([, { at }]) => <Ago at={at} /> },
                    { name: 'Key', cell: ([, { key }]) => <strong>{key}</strong> },
                    { name: 'Was', cell: ([, { previous }]) => <Value of={previous} /> },
                    {
                      name: 'Is',
                      cell: ([, { op, value }]) =>
                        op === 'delete' ? <em className="quiet">deleted</em> : <Value of={value} />,
                    },
                    {
                      name: 'Where',
                      cell: ([, { sink, environment }]) => (
                        <>
                          {sink} <span className="quiet">{environment}</span>
                        </>
                      ),
                    },
                    { name: 'Who', cell: ([, { actor }]) => actor ?? '–' },
                    {
                      name: 'From',
                      cell: ([, { rule, environment, commit, file, run }]) => (
                        <>
                          <Link
                            to={sinceOf(rule, environment, commit)}
                            title={`${file}: what changed since`}
                          >
                            <Commit of={commit} />
                          </Link>{' '}
                          <Link to={paths.run(run)}>run</Link>
                        </>
                      ),
                    },
                  ]}
                />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="No change is like this">
                Each key that is written to a sink or deleted there is one row here.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}
