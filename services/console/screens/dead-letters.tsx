/**
 * What died, grouped by what killed it, and doing it again in bulk: first told, then at a rate, and
 * stopped by itself when it fails again.
 */
import { useState } from 'react'
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { send, type ApiProblem } from '../api/client.ts'
import type { DeadLetter, Redrive, RedrivePlan } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Card, Empty, Id, Loaded, Page, ProblemBox, Tabs } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { More, Table } from '../ui/table.tsx'
import { toast } from '../ui/toast.tsx'
import { Ago } from '../ui/time.tsx'

type Group = {
  readonly key: string
  readonly pipelineId: string | null
  readonly fingerprint: string | null
  readonly newest: DeadLetter
  readonly letters: readonly DeadLetter[]
}
const groupsOf = (letters: readonly DeadLetter[]): Group[] => {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const key = `${letter.pipelineId} ${letter.fingerprint ?? letter.kind + letter.type}`
    groups.set(key, [...(groups.get(key) ?? []), letter])
  }
  return [...groups]
    .map(([key, found]) => ({
      key,
      pipelineId: found[0]!.pipelineId,
      fingerprint: found[0]!.fingerprint,
      newest: found[0]!,
      letters: found,
    }))
    .toSorted((a, b) => b.letters.length - a.letters.length)
}

const Sheet = ({ group, onDone }: { readonly group: Group; readonly onDone: () => void }) => {
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
        ...(group.pipelineId ? { pipeline: group.pipelineId } : {}),
        ...(group.fingerprint ? { fingerprint: group.fingerprint } : {}),
      },
      startOver,
      ...(Number(perMinute) > 0 ? { perMinute: Number(perMinute) } : {}),
      ...(Number(failuresMax) > 0 ? { failuresMax: Number(failuresMax) } : {}),
      ...(dryRun ? {} : { reason: 'bulk redrive in the console' }),
    }
    try {
      const { data } = await send<RedrivePlan>('POST', 'dead-letters/redrive', body)
      if (dryRun) setPlan(data)
      else {
        toast(`${data.count} runs are redriven, ${perMinute} a minute`)
        onDone()
      }
    } catch (error) {
      setProblem(error as ApiProblem)
    }
  }
  return (
    <Card
      title={`Redrive ${group.letters.length} runs that ended with ${group.newest.type}`}
      beside={
        <button type="button" className="plain" aria-label="close" onClick={onDone}>
          ✕
        </button>
      }
    >
      <div className="card-body">
        <div className="filters">
          <label>
            A minute
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
              every step again
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
        {plan && (
          <p role="status">
            {plan.count} of {plan.matching} would be redriven
            {plan.unusable > 0 && `; ${plan.unusable} are on a version that is retired or unknown`}
            {plan.capped && '; there are more than one wish may hold'}. First:{' '}
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

const Groups = () => {
  const { query, set } = useQuery()
  const path = 'dead-letters?limit=200&status=dead_lettered&status=failed'
  const result = useApi<DeadLetter[]>(path, ofKind('run', 'pipeline'))
  const others = useApi<DeadLetter[]>('dead-letters?limit=50&kind=command', ofKind('run'))
  const { rows, hasMore, load } = useMore(result, path)
  const groups = groupsOf([...rows, ...(others.data ?? [])])
  const chosen = groups.find(({ key }) => key === query.get('group'))
  const close = () => set({ group: null })
  return (
    <>
      {chosen && chosen.newest.kind === 'run' && (
        <Sheet key={chosen.key} group={chosen} onDone={close} />
      )}
      <Card title="By cause">
        <Loaded result={result}>
          {() =>
            groups.length > 0 ? (
              <>
                <Table
                  label="dead letters by cause"
                  rows={groups}
                  keyOf={({ key }) => key}
                  columns={[
                    {
                      name: 'Runs',
                      className: 'right',
                      cell: ({ letters }) => <strong>{letters.length}</strong>,
                    },
                    {
                      name: 'Cause',
                      className: 'wide',
                      cell: ({ newest }) => (
                        <>
                          <strong>{newest.type}</strong> {newest.message.slice(0, 160)}
                        </>
                      ),
                    },
                    {
                      name: 'Pipeline',
                      cell: ({ pipelineId }) =>
                        pipelineId ? (
                          <Link to={paths.pipeline(pipelineId)}>{pipelineId}</Link>
                        ) : (
                          '–'
                        ),
                    },
                    {
                      name: 'Fingerprint',
                      cell: ({ fingerprint }) => <code>{fingerprint?.slice(0, 8) ?? '–'}</code>,
                    },
                    {
                      name: 'Newest',
                      cell: ({ newest }) =>
                        newest.kind === 'run' ? (
                          <Link to={paths.run(newest.id)}>
                            <Id of={newest.id} />
                          </Link>
                        ) : (
                          newest.kind
                        ),
                    },
                    {
                      name: 'When',
                      className: 'right',
                      cell: ({ newest }) => <Ago at={newest.at} />,
                    },
                    {
                      name: 'Do',
                      cell: ({ key, newest }) =>
                        newest.kind === 'run' ? (
                          <button
                            type="button"
                            className="small"
                            onClick={() => set({ group: key })}
                          >
                            Redrive…
                          </button>
                        ) : (
                          <span className="quiet">fix the sender</span>
                        ),
                    },
                  ]}
                />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="Nothing died">
                A run comes here when its attempts are used up, or when what failed cannot get
                better.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}

const Redrives = () => {
  const result = useApi<Redrive[]>('redrives', ofKind('pipeline', 'run'))
  return (
    <Card title="Redrives">
      <Loaded result={result}>
        {(data) =>
          data.length > 0 ? (
            <Table
              label="redrives"
              rows={data}
              keyOf={({ id }) => id}
              columns={[
                { name: 'State', cell: ({ status }) => <State of={status} /> },
                {
                  name: 'Pipeline',
                  cell: ({ pipelineId }) => (
                    <Link to={paths.pipeline(pipelineId)}>{pipelineId}</Link>
                  ),
                },
                {
                  name: 'Progress',
                  cell: ({ requested, redriven, failed }) => (
                    <span className="row">
                      <progress max={requested} value={redriven} aria-label="redriven" />
                      {redriven} of {requested}, {failed} failed again
                    </span>
                  ),
                },
                {
                  name: 'Rate',
                  cell: ({ perMinute }) =>
                    perMinute === null ? 'at once' : `${perMinute} a minute`,
                },
                {
                  name: 'By',
                  cell: ({ actor }) => `${actor.name}${actor.reason ? `: ${actor.reason}` : ''}`,
                },
                {
                  name: 'Began',
                  className: 'right',
                  cell: ({ requestedAt }) => <Ago at={requestedAt} />,
                },
              ]}
            />
          ) : (
            <Empty title="Nothing was redriven in bulk">Choose a cause and redrive its runs.</Empty>
          )
        }
      </Loaded>
    </Card>
  )
}

export const DeadLetters = () => (
  <Page
    title="Dead letters"
    beside={<span>Runs that ended badly, until somebody does them again.</span>}
  >
    <Tabs
      tabs={[
        { id: 'causes', label: 'Causes', body: () => <Groups /> },
        { id: 'redrives', label: 'Redrives', body: () => <Redrives /> },
      ]}
    />
  </Page>
)
