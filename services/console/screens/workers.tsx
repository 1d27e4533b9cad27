/** Who does the work, on which code, and taking somebody out gently. */
import { ofKind, useApi } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Do } from '../ui/ask.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago } from '../ui/time.tsx'

export const Workers = () => {
  const { query, set } = useQuery()
  const all = query.get('all') === 'true'
  const result = useApi(
    addressOf('GET /api/v1/workers', { query: { all: all || undefined } }),
    ofKind('worker', 'run'),
  )
  return (
    <Page
      title="Workers"
      actions={
        <button type="button" aria-pressed={all} onClick={() => set({ all: all ? null : 'true' })}>
          {all ? 'Only those that are here' : 'Show those that left'}
        </button>
      }
    >
      <Card>
        <Loaded result={result}>
          {(data) =>
            data.length > 0 ? (
              <Table
                label="workers"
                rows={data}
                keyOf={({ id }) => id}
                columns={[
                  { name: 'State', cell: ({ status }) => <State of={status} /> },
                  { name: 'Worker', cell: ({ id }) => <code>{id}</code> },
                  { name: 'Pool', cell: ({ pool }) => pool },
                  {
                    name: 'Serves',
                    className: 'wide',
                    cell: ({ pipelines }) => (
                      <span>
                        {Object.entries(pipelines).map(([id, version]) => (
                          <span key={id}>
                            <Link to={paths.pipeline(id)}>{id}</Link>{' '}
                            <code className="quiet">{version.slice(0, 7)}</code>{' '}
                          </span>
                        ))}
                      </span>
                    ),
                  },
                  { name: 'Runs now', className: 'right', cell: ({ running }) => running },
                  {
                    name: 'Where',
                    cell: ({ host, pid }) => (
                      <span className="quiet">
                        {host} · {pid}
                      </span>
                    ),
                  },
                  {
                    name: 'Since',
                    className: 'right',
                    cell: ({ joinedAt }) => <Ago at={joinedAt} />,
                  },
                  {
                    name: 'Do',
                    cell: ({ id, status, running }) =>
                      status === 'healthy' ? (
                        <Do
                          className="small"
                          command={{
                            title: `Drain ${id}`,
                            says: (
                              <p>
                                It takes nothing new, finishes{' '}
                                {running === 1 ? 'its run' : `its ${running} runs`}, and waits.
                              </p>
                            ),
                            verb: 'Drain',
                            act: (why) =>
                              client.ask('POST /api/v1/workers/{id}/drain', {
                                path: { id },
                                body: why,
                              }),
                            done: `${id} drains`,
                            undo: {
                              title: 'Resume',
                              says: '',
                              verb: 'Resume',
                              act: (why) =>
                                client.ask('POST /api/v1/workers/{id}/resume', {
                                  path: { id },
                                  body: why,
                                }),
                              done: `${id} works again`,
                            },
                          }}
                        />
                      ) : ['draining', 'drained'].includes(status) ? (
                        <Do
                          className="small"
                          command={{
                            title: `Resume ${id}`,
                            says: <p>It takes work again.</p>,
                            verb: 'Resume',
                            act: (why) =>
                              client.ask('POST /api/v1/workers/{id}/resume', {
                                path: { id },
                                body: why,
                              }),
                            done: `${id} works again`,
                          }}
                        />
                      ) : (
                        <span className="quiet">–</span>
                      ),
                  },
                ]}
              />
            ) : (
              <Empty title="No worker is connected">
                Runs wait. Start one: <code>HEADWAY_POOL=default npm run headway -- worker</code>
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
