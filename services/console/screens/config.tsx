/** Configuration from Git to where it is used: sources, rules, what was pushed, and what drifted. */
import { ofKind, useApi, useMore } from '../api/cache.ts'
import type { RowOf } from '../api/types.ts'
import { Json } from '../ui/json.tsx'
import { Card, Empty, Loaded, Page, Tabs } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { More, Table } from '../ui/table.tsx'
import { Ago } from '../ui/time.tsx'

type Row = Readonly<Record<string, unknown>>
const text = (value: unknown): string =>
  value === null || value === undefined
    ? '–'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)

/** Whatever the rows hold, the short fields are columns and the rest can be opened. */
const Rows = ({
  path,
  title,
  empty,
}: {
  readonly path: string
  readonly title: string
  readonly empty: string
}) => {
  const result = useApi<Row[]>(path, ofKind('source', 'rule', 'sink'))
  return (
    <Card title={title}>
      <Loaded result={result}>
        {(data) => {
          if (data.length === 0) return <Empty title="Nothing here">{empty}</Empty>
          const names = Object.keys(data[0]!)
          const isShort = (name: string) =>
            data.every((row) => typeof row[name] !== 'object' || row[name] === null)
          const short = names.filter(isShort).slice(0, 5)
          const long = names.filter((name) => !short.includes(name))
          return (
            <Table
              label={title}
              rows={data.map((row, i) => [String(i), row] as const)}
              keyOf={([key]) => key}
              columns={[
                ...short.map((name) => ({
                  name,
                  cell: ([, row]: readonly [string, Row]) => text(row[name]),
                })),
                ...(long.length > 0
                  ? [
                      {
                        name: 'more',
                        cell: ([, row]: readonly [string, Row]) => (
                          <details>
                            <summary>Details</summary>
                            <Json of={Object.fromEntries(long.map((name) => [name, row[name]]))} />
                          </details>
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          )
        }}
      </Loaded>
    </Card>
  )
}

type Task = RowOf<'GET /api/v1/tasks'>

const Pushes = () => {
  const path = 'tasks?limit=50'
  const result = useApi<Task[]>(path, ofKind('source', 'rule', 'sink', 'run'))
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
                  { name: 'Repository', cell: ({ repository }) => <strong>{repository}</strong> },
                  { name: 'Ref', cell: ({ ref }) => <code>{ref}</code> },
                  {
                    name: 'Commit',
                    cell: ({ commit }) => <code>{commit?.slice(0, 9) ?? '–'}</code>,
                  },
                  { name: 'By', cell: ({ event, source }) => `${event} of ${source}` },
                  {
                    name: 'When',
                    className: 'right',
                    cell: ({ receivedAt }) => <Ago at={receivedAt} />,
                  },
                  {
                    name: 'What became of it',
                    cell: (task) => (
                      <details>
                        <summary>Details</summary>
                        <Json of={task} />
                      </details>
                    ),
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

const tabs = [
  ['rules', 'Rules', 'rules', 'Add rules to headway.yaml, then npm run headway -- apply'],
  [
    'sources',
    'Sources',
    'sources',
    'Add sources to headway.yaml; each gets an address for webhooks.',
  ],
  ['sinks', 'Sinks', 'sinks', 'Add sinks to headway.yaml: where values are written.'],
  ['drift', 'Drift', 'drift', 'Every sink holds what it should.'],
] as const

export const Config = () => (
  <Page title="Config sync" beside={<span>From Git to where values are used.</span>}>
    <Tabs
      tabs={[
        { id: 'pushes', label: 'Pushes', body: () => <Pushes /> },
        ...tabs.map(([id, label, path, empty]) => ({
          id,
          label,
          body: () => <Rows key={id} path={path} title={label} empty={empty} />,
        })),
      ]}
    />
  </Page>
)
