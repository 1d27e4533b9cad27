/** What runs ask people: the question, what it is about, and an answer in the shape that is asked for. */
import { useState } from 'react'
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { send, type ApiProblem } from '../api/client.ts'
import type { Interaction } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Json } from '../ui/json.tsx'
import { Card, Empty, Loaded, Page, ProblemBox } from '../ui/page.tsx'
import { SchemaForm } from '../ui/schema-form.tsx'
import { State } from '../ui/state.tsx'
import { More } from '../ui/table.tsx'
import { toast } from '../ui/toast.tsx'
import { Ago } from '../ui/time.tsx'

const initialOf = (schema: unknown): unknown => {
  const { type, properties = {} } = (schema ?? {}) as {
    type?: string
    properties?: Record<string, { type?: string; default?: unknown }>
  }
  if (type !== 'object') return type === 'boolean' ? false : undefined
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, { type: kind, default: value }]) =>
      value !== undefined ? [[name, value]] : kind === 'boolean' ? [[name, false]] : [],
    ),
  )
}

const Answer = ({ question }: { readonly question: Interaction }) => {
  const [response, setResponse] = useState(() => initialOf(question.responseSchema))
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  const answer = async () => {
    setProblem(null)
    try {
      const token = question.tokenRequired
        ? (await send<{ resumeToken: string }>('POST', `interactions/${question.id}/token`)).data
            .resumeToken
        : null
      await send('POST', 'interactions/complete', {
        interactionId: question.id,
        response,
        ...(token ? { resumeToken: token } : {}),
        ...(reason ? { reason } : {}),
      })
      toast('The answer is recorded; the run goes on')
    } catch (error) {
      setProblem(error as ApiProblem)
    }
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void answer()
      }}
    >
      <SchemaForm schema={question.responseSchema} value={response} onChange={setResponse} />
      <label className="field">
        <span>
          Reason <span className="quiet">kept in the log</span>
        </span>
        <input
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          maxLength={1000}
        />
      </label>
      {problem && <ProblemBox problem={problem} />}
      <div className="dialog-foot">
        <button type="submit" className="primary">
          Answer
        </button>
      </div>
    </form>
  )
}

const shows = ['waiting', 'completed', 'expired', 'cancelled'] as const

export const Approvals = () => {
  const { query, set } = useQuery()
  const status = query.get('status') ?? 'waiting'
  const path = `interactions?status=${status}&limit=30`
  const result = useApi<Interaction[]>(path, ofKind('run', 'interaction'))
  const { rows, hasMore, load } = useMore(result, path)
  return (
    <Page title="Approvals" beside={<span>Runs that stopped to ask somebody.</span>}>
      <div className="chips" role="group" aria-label="state">
        {shows.map((one) => (
          <button
            key={one}
            type="button"
            className="chip"
            aria-pressed={status === one}
            onClick={() => set({ status: one === 'waiting' ? null : one })}
          >
            {one}
          </button>
        ))}
      </div>
      <Loaded result={result}>
        {() =>
          rows.length > 0 ? (
            <div className="columns">
              {rows.map((question) => (
                <Card
                  key={question.id}
                  title={`${question.step} asks`}
                  beside={<State of={question.status} />}
                >
                  <div className="card-body stack">
                    <p>
                      <Link to={paths.run(question.run)}>Run …{question.run.slice(-8)}</Link> of{' '}
                      <Link to={paths.pipeline(question.pipelineId)}>{question.pipelineId}</Link>,
                      asked <Ago at={question.askedAt} />,{' '}
                      {question.status === 'waiting' ? 'expires ' : 'would have expired '}
                      <Ago at={question.deadlineAt} />
                      {question.assignee && `, for ${question.assignee}`}
                      {question.group && `, for the group ${question.group}`}
                    </p>
                    <Json of={question.request} />
                    {question.status === 'waiting' ? (
                      <Answer question={question} />
                    ) : (
                      question.answeredBy && (
                        <>
                          <p>
                            {question.answeredBy.name} answered
                            {question.answeredBy.reason && `: ${question.answeredBy.reason}`}
                          </p>
                          <Json of={question.response} />
                        </>
                      )
                    )}
                  </div>
                </Card>
              ))}
            </div>
          ) : (
            <Card>
              <Empty title={status === 'waiting' ? 'Nobody waits for you' : 'None'}>
                A step that calls <code>context.ask</code> suspends its run here until it is
                answered.
              </Empty>
            </Card>
          )
        }
      </Loaded>
      {hasMore && <More load={load} />}
    </Page>
  )
}
