/** What can be done to the runs that are chosen: told first, run by run, and done after a yes. */
import { useState } from 'react'
import { client, type ApiProblem } from '../api/client.ts'
import type { ChosenRuns } from '../api/types.ts'
import { askFor } from '../ui/ask.tsx'
import { toast } from '../ui/toast.tsx'
import { State } from '../ui/state.tsx'

const verbs = {
  redrive: {
    title: (count: number) => (count === 1 ? 'Redrive one run' : `Redrive ${count} runs`),
    says: 'Steps that succeeded are kept; what failed is done again, with fresh attempts.',
    done: (count: number) => `${count} ${count === 1 ? 'run is' : 'runs are'} redriven`,
    operation: 'POST /api/v1/runs/redrive',
  },
  cancel: {
    title: (count: number) => (count === 1 ? 'Cancel one run' : `Cancel ${count} runs`),
    says: 'What is being done is ended and nothing is published. They can be redriven later.',
    done: (count: number) => `${count} ${count === 1 ? 'run ends' : 'runs end'}`,
    operation: 'POST /api/v1/runs/cancel',
  },
} as const
type Verb = keyof typeof verbs

type Judged = ChosenRuns['runs'][number]
const groupsOf = (
  runs: readonly Judged[],
  keyOf: (run: Judged) => string,
): ReadonlyMap<string, readonly Judged[]> => {
  const groups = new Map<string, Judged[]>()
  for (const run of runs) groups.set(keyOf(run), [...(groups.get(keyOf(run)) ?? []), run])
  return groups
}
/** Those that stay as they are, by why. */
const leftOf = ({ runs }: ChosenRuns) =>
  groupsOf(
    runs.filter(({ does }) => !does),
    ({ why }) => why,
  )

const PlanView = ({ plan, says }: { readonly plan: ChosenRuns; readonly says: string }) => {
  const pipelines = groupsOf(
    plan.runs.filter(({ does }) => does),
    ({ pipelineId }) => pipelineId,
  )
  return (
    <>
      <p>{says}</p>
      <ul className="plan">
        {[...pipelines].map(([id, runs]) => (
          <li key={id}>
            <strong className="number">{runs.length}</strong> of {id}
          </li>
        ))}
        {[...leftOf(plan)].map(([why, runs]) => (
          <li key={why} className="quiet">
            <span className="number">{runs.length}</span> stay as they are: {why}{' '}
            <State of={runs[0]!.status} />
          </li>
        ))}
      </ul>
    </>
  )
}

type ChosenProps = { readonly ids: readonly string[]; readonly clear: () => void }
export const Chosen = ({ ids, clear }: ChosenProps) => {
  const [busy, setBusy] = useState(false)
  const [told, setTold] = useState('')
  const plan = async (verb: Verb) => {
    const { title, says, done, operation } = verbs[verb]
    setBusy(true)
    setTold('')
    try {
      const { data } = await client.ask(operation, { body: { runs: ids, dryRun: true } })
      if (data.count === 0)
        setTold(`None of them: ${[...leftOf(data).keys()].join(', ') || 'they are gone'}.`)
      else
        askFor({
          title: title(data.count),
          says: <PlanView plan={data} says={says} />,
          verb: title(data.count),
          danger: verb === 'cancel',
          act: async (why) => {
            await client.ask(operation, { body: { runs: ids, ...why } })
            clear()
          },
          done: done(data.count),
        })
    } catch (error) {
      toast((error as ApiProblem).message)
    }
    setBusy(false)
  }
  return (
    <div className="bulk" role="group" aria-label="with the chosen runs">
      <strong>{ids.length} chosen</strong>
      <button type="button" disabled={busy} onClick={() => void plan('redrive')}>
        Redrive…
      </button>
      <button type="button" className="danger" disabled={busy} onClick={() => void plan('cancel')}>
        Cancel…
      </button>
      <button type="button" className="plain" onClick={clear}>
        Clear
      </button>
      <span role="status" className="quiet">
        {told}
      </span>
    </div>
  )
}
