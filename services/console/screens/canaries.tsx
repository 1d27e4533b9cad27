/** Trying a version of the code on real inputs before it is active, and how that goes. */
import { useState } from 'react'
import { useApi } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import type { Release } from '../api/types.ts'
import { askFor, Do } from '../ui/ask.tsx'
import { Card } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago } from '../ui/time.tsx'

export const CanaryForm = ({
  release,
  onDone,
}: {
  readonly release: Release
  readonly onDone: () => void
}) => {
  const [runs, setRuns] = useState('5')
  return (
    <div className="filters card-body">
      <label>
        Runs to repeat on {release.version.slice(0, 7)}
        <input
          type="number"
          min="1"
          max="100"
          value={runs}
          onChange={(event) => setRuns(event.target.value)}
        />
      </label>
      <button
        type="button"
        className="primary"
        onClick={() => {
          askFor({
            title: 'Try it on real inputs',
            says: (
              <p>
                The last {runs} runs are repeated on {release.version.slice(0, 7)}; nothing is
                published, and what it makes is compared.
              </p>
            ),
            verb: 'Start canary',
            act: (why) =>
              client.ask('POST /api/v1/pipelines/{id}/canaries', {
                path: { id: release.pipelineId },
                body: { version: release.version, runs: Number(runs), ...why },
              }),
            done: 'The canary is asked for',
          })
          onDone()
        }}
      >
        Try it
      </button>
    </div>
  )
}

export const Canaries = ({ id }: { readonly id: string }) => {
  const result = useApi(
    addressOf('GET /api/v1/pipelines/{id}/canaries', { path: { id } }),
    ({ name }) => name === id,
  )
  if (!result.data || result.data.length === 0) return null
  return (
    <Card title="Canaries">
      <Table
        label="canaries"
        rows={result.data}
        keyOf={(canary) => canary.id}
        columns={[
          { name: 'State', cell: ({ status }) => <State of={status} /> },
          { name: 'Version', cell: ({ version }) => <code>{version.slice(0, 7)}</code> },
          {
            name: 'Runs',
            cell: ({ completed, failed, runs }) => `${completed} of ${runs} done, ${failed} failed`,
          },
          { name: 'By', cell: ({ actor }) => actor.name },
          { name: 'Began', cell: ({ startedAt }) => <Ago at={startedAt} /> },
          {
            name: 'Do',
            cell: (canary) =>
              canary.status === 'running' ? (
                <Do
                  className="small"
                  command={{
                    title: 'Stop the canary',
                    says: <p>No more runs are repeated.</p>,
                    verb: 'Stop',
                    act: (why) =>
                      client.ask('DELETE /api/v1/canaries/{id}', {
                        path: { id: canary.id },
                        body: why,
                      }),
                    done: 'The canary ends',
                  }}
                />
              ) : (
                <span className="quiet">–</span>
              ),
          },
        ]}
      />
    </Card>
  )
}
