/** Doing a group of dead runs again: at a rate, stopped by itself, and only after a dry run. */
import { useState } from 'react'
import { client, type ApiProblem } from '../api/client.ts'
import type { DeadLetter, RedrivePlan } from '../api/types.ts'
import { Card, ProblemBox } from '../ui/page.tsx'
import { counted } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'

export type Group = {
  readonly key: string
  readonly pipelineId: string | null
  readonly fingerprint: string | null
  readonly newest: DeadLetter
  readonly letters: readonly DeadLetter[]
}
/** Those that the group is made of. */
export const deadStatuses = ['dead_lettered', 'failed'] as const

export const RedriveSheet = ({
  group,
  onDone,
}: {
  readonly group: Group
  readonly onDone: () => void
}) => {
  const [perMinute, setPerMinute] = useState('60')
  const [failuresMax, setFailuresMax] = useState('3')
  const [startOver, setStartOver] = useState(false)
  const [plan, setPlan] = useState<RedrivePlan | null>(null)
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  const ask = async (dryRun: boolean) => {
    setProblem(null)
    const body = {
      dryRun,
      filter: {
        status: [...deadStatuses],
        ...(group.pipelineId ? { pipeline: group.pipelineId } : {}),
        ...(group.fingerprint ? { fingerprint: group.fingerprint } : {}),
      },
      startOver,
      ...(Number(perMinute) > 0 ? { perMinute: Number(perMinute) } : {}),
      ...(Number(failuresMax) > 0 ? { failuresMax: Number(failuresMax) } : {}),
      ...(dryRun ? {} : { reason: 'bulk redrive in the console' }),
    }
    try {
      const { data } = await client.ask('POST /api/v1/dead-letters/redrive', { body })
      if (dryRun) setPlan(data)
      else {
        toast(`${counted(data.count, 'run')} to redrive, ${perMinute} a minute: see Redrives`)
        onDone()
      }
    } catch (error) {
      setProblem(error as ApiProblem)
    }
  }
  return (
    <Card
      title={`Redrive ${counted(group.letters.length, 'run')} that ended with ${group.newest.type}`}
      beside={
        <button type="button" className="plain" aria-label="close" onClick={onDone}>
          ✕
        </button>
      }
    >
      <div className="card-body">
        <div className="filters">
          <label>
            Runs a minute
            <input
              type="number"
              min="1"
              value={perMinute}
              onChange={(event) => setPerMinute(event.target.value)}
            />
          </label>
          <label>
            Stop after so many fail again
            <input
              type="number"
              min="1"
              value={failuresMax}
              onChange={(event) => setFailuresMax(event.target.value)}
            />
          </label>
          <label className="row">
            <span>
              <input
                type="checkbox"
                checked={startOver}
                onChange={(event) => setStartOver(event.target.checked)}
              />{' '}
              do every step again, not only what failed
            </span>
          </label>
          <button type="button" className={plan ? '' : 'primary'} onClick={() => void ask(true)}>
            Dry run
          </button>
          {plan && plan.count > 0 && (
            <button type="button" className="primary" onClick={() => void ask(false)}>
              Redrive {plan.count} now
            </button>
          )}
        </div>
        {problem && <ProblemBox problem={problem} />}
        {plan && plan.count === 0 && (
          <p role="status">
            There is nothing to redrive
            {plan.unusable > 0
              ? `: ${counted(plan.unusable, 'run')} on a version that is retired or unknown`
              : ' any more'}
            .
          </p>
        )}
        {plan && plan.count > 0 && (
          <p role="status">
            {plan.count} of {plan.matching} would be redriven
            {plan.unusable > 0 && `; ${plan.unusable} are on a version that is retired or unknown`}
            {plan.capped && '; there are more, for another time'}. First:{' '}
            {plan.sample
              .slice(0, 3)
              .map((id) => `…${id.slice(-8)}`)
              .join(', ')}
          </p>
        )}
      </div>
    </Card>
  )
}
