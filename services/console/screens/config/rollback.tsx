/** The way back: first what it would write and delete, then, after a yes, a run that does it. */
import { client, type ApiProblem } from '../../api/client.ts'
import type { ConfigDifference } from '../../api/types.ts'
import { paths } from '../../router.tsx'
import { askFor } from '../../ui/ask.tsx'
import { Table } from '../../ui/table.tsx'
import { toast } from '../../ui/toast.tsx'
import { Value } from './value.tsx'

const signs = { added: '+ added', removed: '− deleted', changed: '~ changed' } as const

export const Differences = ({ of }: { readonly of: readonly ConfigDifference[] }) => (
  <Table
    label="keys that differ"
    rows={of}
    keyOf={({ sink, key }) => `${sink} ${key}`}
    columns={[
      { name: 'Change', cell: ({ change }) => <span className={change}>{signs[change]}</span> },
      { name: 'Key', cell: ({ key }) => <strong>{key}</strong> },
      { name: 'Sink', cell: ({ sink }) => sink },
      { name: 'From', cell: ({ from }) => <Value of={from} /> },
      { name: 'To', cell: ({ to }) => <Value of={to} /> },
    ]}
  />
)

export type Target = {
  readonly rule: string
  readonly environment: string
  readonly to: string
}

const operation = 'POST /api/v1/config/rollback'

export const rollBack = async (target: Target): Promise<void> => {
  try {
    const { data } = await client.ask(operation, { body: { ...target, dryRun: true } })
    const changes = 'changes' in data ? data.changes : []
    if (changes.length === 0) return toast('Nothing differs from then: there is nothing to do')
    askFor({
      title: `Back to ${target.to.slice(0, 9)} in ${target.environment}`,
      says: (
        <>
          <p>
            {changes.length === 1 ? 'One key is' : `${changes.length} keys are`} put back as they
            were after that commit. Git stays as it is: the next push goes on from there.
          </p>
          <ul className="plan">
            {changes.map(({ change, sink, key, from, to }) => (
              <li key={`${sink} ${key}`}>
                <span className={change}>{signs[change]}</span> <strong>{key}</strong>{' '}
                <span className="quiet">in {sink}</span>
                <br />
                <Value of={from} /> → <Value of={to} />
              </li>
            ))}
          </ul>
        </>
      ),
      verb: changes.length === 1 ? 'Put one key back' : `Put ${changes.length} keys back`,
      danger: true,
      act: async (why) => {
        const asked = await client.ask(operation, { body: { ...target, ...why } })
        return 'run' in asked.data ? paths.run(asked.data.run) : null
      },
      done: 'The rollback is asked for: its run tells when it is confirmed',
    })
  } catch (error) {
    toast((error as ApiProblem).message)
  }
}
