/** The log, the read models and what stands between them; and what nobody could read. */
import { any, ofKind, useApi } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import { Link, paths } from '../router.tsx'
import { Card, Copy, Empty, Facts, Loaded, Page } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago, durationOf } from '../ui/time.tsx'

const commands = [
  ['Prove that the tables equal the log', 'npm run headway -- verify'],
  ['Build the tables anew beside the live ones, compare, swap', 'npm run headway -- rebuild'],
  ['Look at the stream itself', 'nats stream info EVENTS'],
  ['Follow the log', "nats sub 'headway.>'"],
] as const

export const System = () => {
  const health = useApi(addressOf('GET /health/deep', {}), any)
  const status = useApi(addressOf('GET /api/v1/status', {}), any)
  const unreadable = useApi(addressOf('GET /api/v1/unreadable', {}), ofKind('run'))
  return (
    <Page title="System">
      <div className="columns">
        <Card title="Health">
          <Loaded result={health}>
            {({ checks }) => (
              <Table
                label="health"
                rows={Object.entries(checks)}
                keyOf={([name]) => name}
                columns={[
                  { name: 'What', cell: ([name]) => name },
                  { name: 'State', cell: ([, { status: state }]) => <State of={state} /> },
                  {
                    name: 'Answers in',
                    className: 'right',
                    cell: ([, { roundTripMs }]) =>
                      roundTripMs === undefined ? '–' : durationOf(roundTripMs),
                  },
                  {
                    name: 'Detail',
                    cell: ([, { detail }]) =>
                      detail ?? <span className="quiet">nothing to say</span>,
                  },
                ]}
              />
            )}
          </Loaded>
        </Card>
        <Card
          title="Projection"
          beside={health.data && <State of={health.data.checks.projector.status} />}
        >
          <div className="card-body">
            <Loaded result={health}>
              {({ checks: { projector } }) => (
                <Facts
                  facts={[
                    ['Log ends at', projector.headSeq?.toLocaleString('en') ?? '–'],
                    ['Tables are at', projector.projectedSeq?.toLocaleString('en') ?? '–'],
                    ['Behind', `${projector.lag ?? 0} events`],
                    ['Version', status.data?.version ?? '–'],
                    ['Tenant', status.data?.tenant ?? '–'],
                    ['API is up for', status.data ? durationOf(status.data.uptimeMs) : '–'],
                  ]}
                />
              )}
            </Loaded>
          </div>
        </Card>
      </div>
      <p />
      <Card title="By hand">
        <Table
          label="commands"
          rows={commands}
          keyOf={([, command]) => command}
          columns={[
            { name: 'To', cell: ([does]) => does },
            { name: 'Command', cell: ([, command]) => <code>{command}</code> },
            { name: 'Copy', className: 'right', cell: ([, command]) => <Copy text={command} /> },
          ]}
        />
      </Card>
      <Card title="Unreadable">
        <Loaded result={unreadable}>
          {(data) =>
            data.length > 0 ? (
              <Table
                label="unreadable messages"
                rows={data}
                keyOf={({ seq }) => String(seq)}
                columns={[
                  {
                    name: 'Position',
                    cell: ({ seq }) => <Link to={paths.commit(seq)}>event {seq}</Link>,
                  },
                  { name: 'Subject', cell: ({ subject }) => <code>{subject}</code> },
                  { name: 'Problem', className: 'wide', cell: ({ problem }) => problem },
                  {
                    name: 'When',
                    className: 'right',
                    cell: ({ recordedAt }) => <Ago at={recordedAt} />,
                  },
                ]}
              />
            ) : (
              <Empty title="Everything on the log can be read">
                A message that cannot be decoded is kept and listed here.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
