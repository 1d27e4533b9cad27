/** Where somebody else changed what we had put there, and where that was healed. */
import { useApi } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import { Link } from '../../router.tsx'
import { Card, Empty, Loaded } from '../../ui/page.tsx'
import { State } from '../../ui/state.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { configEvents } from './value.tsx'

const keysShown = 3

export const Drifts = () => {
  const result = useApi(addressOf('GET /api/v1/drift', {}), configEvents)
  return (
    <Card title="Drift">
      <Loaded result={result}>
        {(drifts) =>
          drifts.length > 0 ? (
            <Table
              label="drift"
              rows={drifts}
              keyOf={({ sink, environment, rule }) => `${sink} ${environment} ${rule}`}
              columns={[
                {
                  name: 'State',
                  cell: ({ open }) =>
                    open ? (
                      <State of="trouble" word="differs" />
                    ) : (
                      <State of="ok" word="as it should be" />
                    ),
                },
                { name: 'Sink', cell: ({ sink }) => <strong>{sink}</strong> },
                { name: 'Environment', cell: ({ environment }) => environment },
                {
                  name: 'Keys',
                  className: 'wide',
                  cell: ({ sink, environment, keys, count }) => (
                    <>
                      {keys.slice(0, keysShown).map((key, i) => (
                        <span key={key}>
                          {i > 0 && ', '}
                          <Link
                            to={
                              `/config?tab=sinks&sink=${sink}&environment=${environment}` +
                              `&key=${encodeURIComponent(key)}`
                            }
                          >
                            {key}
                          </Link>
                        </span>
                      ))}
                      {count > keysShown && ` and ${count - keysShown} more`}
                    </>
                  ),
                },
                { name: 'Since', cell: ({ since }) => <Ago at={since} /> },
                {
                  name: 'Healed',
                  cell: ({ endedAt }) => (endedAt === null ? '–' : <Ago at={endedAt} />),
                },
                { name: 'How often', className: 'right', cell: ({ times }) => `${times} ×` },
              ]}
            />
          ) : (
            <Empty title="No sink drifted">
              Every sink holds what it should, as far as anybody looked.
            </Empty>
          )
        }
      </Loaded>
    </Card>
  )
}
