/** Configuration from Git to where it is used: what was pushed, what it changed, what is held where. */
import { useApi } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import { Json } from '../../ui/json.tsx'
import { Card, Copy, Empty, Loaded, Page, Tabs } from '../../ui/page.tsx'
import { State } from '../../ui/state.tsx'
import { Table } from '../../ui/table.tsx'
import { Changes } from './changes.tsx'
import { DifferenceTab } from './difference.tsx'
import { Drifts } from './drift.tsx'
import { Pushes } from './pushes.tsx'
import { Sinks } from './sinks.tsx'
import { configEvents } from './value.tsx'

const Definition = ({ of }: { readonly of: unknown }) => (
  <details>
    <summary>Show</summary>
    <Json of={of} />
  </details>
)

const Rules = () => {
  const result = useApi(addressOf('GET /api/v1/rules', {}), configEvents)
  return (
    <Card title="Rules">
      <Loaded result={result}>
        {(rules) =>
          rules.length > 0 ? (
            <Table
              label="rules"
              rows={rules}
              keyOf={({ id }) => id}
              columns={[
                { name: 'Rule', cell: ({ id }) => <strong>{id}</strong> },
                { name: 'Definition', cell: ({ definition }) => <Definition of={definition} /> },
              ]}
            />
          ) : (
            <Empty title="No rule is defined">
              Add rules to headway.yaml, then <code>npm run headway -- apply</code>.
            </Empty>
          )
        }
      </Loaded>
    </Card>
  )
}

const Sources = () => {
  const result = useApi(addressOf('GET /api/v1/sources', {}), configEvents)
  return (
    <Card title="Sources">
      <Loaded result={result}>
        {(sources) =>
          sources.length > 0 ? (
            <Table
              label="sources"
              rows={sources}
              keyOf={({ id }) => id}
              columns={[
                { name: 'Source', cell: ({ id }) => <strong>{id}</strong> },
                { name: 'Platform', cell: ({ platform }) => platform },
                { name: 'Repository', cell: ({ url }) => <code>{url}</code> },
                {
                  name: 'Signatures',
                  cell: ({ verified }) =>
                    verified ? (
                      <State of="ok" word="checked" />
                    ) : (
                      <State of="degraded" word="not checked" />
                    ),
                },
                {
                  name: 'Webhook',
                  cell: ({ webhook }) => (
                    <Copy text={location.origin + webhook} label="Copy address" />
                  ),
                },
                { name: 'Definition', cell: ({ definition }) => <Definition of={definition} /> },
              ]}
            />
          ) : (
            <Empty title="No source is defined">
              Add sources to headway.yaml; each gets an address for webhooks.
            </Empty>
          )
        }
      </Loaded>
    </Card>
  )
}

export const Config = () => (
  <Page title="Config sync" beside={<span>From Git to where values are used.</span>}>
    <Tabs
      tabs={[
        { id: 'pushes', label: 'Pushes', body: () => <Pushes /> },
        { id: 'changes', label: 'Changes', body: () => <Changes /> },
        { id: 'difference', label: 'Difference', body: () => <DifferenceTab /> },
        { id: 'sinks', label: 'Sinks', body: () => <Sinks /> },
        { id: 'drift', label: 'Drift', body: () => <Drifts /> },
        { id: 'rules', label: 'Rules', body: () => <Rules /> },
        { id: 'sources', label: 'Sources', body: () => <Sources /> },
      ]}
    />
  </Page>
)
