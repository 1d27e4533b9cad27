/** Where values go, and what each place holds by our doing. */
import { useApi, useMore } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import type { Sink } from '../../api/types.ts'
import { Link, useQuery } from '../../router.tsx'
import { Json } from '../../ui/json.tsx'
import { Card, Empty, Loaded } from '../../ui/page.tsx'
import { State } from '../../ui/state.tsx'
import { More, Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { Choice, Commit, configEvents, Value, Words } from './value.tsx'

const Held = ({ sink: { id, environments } }: { readonly sink: Sink }) => {
  const { query, set } = useQuery()
  const path = addressOf('GET /api/v1/sinks/{sink}/values', {
    path: { sink: id },
    query: {
      environment: query.get('environment') || undefined,
      key: query.get('key') || undefined,
    },
  })
  const result = useApi(path, configEvents)
  const { rows, hasMore, load } = useMore(result, path)
  return (
    <Card
      title={`What ${id} holds`}
      beside={
        <button
          type="button"
          className="plain"
          aria-label="close"
          onClick={() => set({ sink: null })}
        >
          ✕
        </button>
      }
    >
      <div className="filters card-body">
        <Choice
          label="Environment"
          name="environment"
          of={environments.map(({ environment }) => environment)}
          all="all"
        />
        <Words label="Key" name="key" placeholder="db.*   /" />
      </div>
      <Loaded result={result}>
        {() =>
          rows.length > 0 ? (
            <>
              <Table
                label="values"
                rows={rows}
                keyOf={({ environment, key }) => `${environment} ${key}`}
                columns={[
                  { name: 'Key', cell: ({ key }) => <strong>{key}</strong> },
                  { name: 'Value', cell: ({ holds }) => <Value of={holds} /> },
                  { name: 'Environment', cell: ({ environment }) => environment },
                  { name: 'File', cell: ({ file }) => <code>{file}</code> },
                  { name: 'Commit', cell: ({ commit }) => <Commit of={commit} /> },
                  {
                    name: 'Since',
                    className: 'right',
                    cell: ({ changedAt, key }) => (
                      <Link to={`/config?tab=changes&sink=${id}&key=${encodeURIComponent(key)}`}>
                        <Ago at={changedAt} />
                      </Link>
                    ),
                  },
                ]}
              />
              {hasMore && <More load={load} />}
            </>
          ) : (
            <Empty title="It holds nothing like this">Only what we put there is listed.</Empty>
          )
        }
      </Loaded>
    </Card>
  )
}

export const Sinks = () => {
  const { query, set } = useQuery()
  const result = useApi(addressOf('GET /api/v1/sinks', {}), configEvents)
  const chosen = result.data?.find(({ id }) => id === query.get('sink'))
  return (
    <>
      {chosen && <Held key={chosen.id} sink={chosen} />}
      <Card title="Sinks">
        <Loaded result={result}>
          {(sinks) =>
            sinks.length > 0 ? (
              <Table
                label="sinks"
                rows={sinks}
                keyOf={({ id }) => id}
                columns={[
                  {
                    name: 'Sink',
                    cell: ({ id }) => (
                      <button
                        type="button"
                        className="chip"
                        aria-pressed={id === chosen?.id}
                        onClick={() => set({ sink: id, environment: null, key: null })}
                      >
                        {id}
                      </button>
                    ),
                  },
                  { name: 'Kind', cell: ({ type }) => type.replaceAll('_', ' ') },
                  {
                    name: 'Holds',
                    cell: ({ environments }) =>
                      environments.length === 0 ? (
                        <span className="quiet">nothing yet</span>
                      ) : (
                        environments
                          .map(({ environment, keys }) => `${environment} ${keys}`)
                          .join(', ')
                      ),
                  },
                  {
                    name: 'Drift',
                    cell: ({ environments }) => {
                      const drifted = environments.reduce((sum, one) => sum + one.drifted, 0)
                      return drifted === 0 ? (
                        <State of="ok" word="as it should be" />
                      ) : (
                        <Link to="/config?tab=drift">
                          <State of="trouble" word={`${drifted} keys differ`} />
                        </Link>
                      )
                    },
                  },
                  {
                    name: 'Definition',
                    cell: ({ definition }) => (
                      <details>
                        <summary>Show</summary>
                        <Json of={definition} />
                      </details>
                    ),
                  },
                ]}
              />
            ) : (
              <Empty title="No sink is defined">
                Add sinks to headway.yaml: where values are written.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}
