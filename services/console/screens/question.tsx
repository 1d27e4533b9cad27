/** What a run asks, and the form for an answer in the shape that it asks for. */
import { useState } from 'react'
import { client, type ApiProblem } from '../api/client.ts'
import type { Interaction } from '../api/types.ts'
import { Now } from '../ui/ask.tsx'
import { Json } from '../ui/json.tsx'
import { Card, ProblemBox } from '../ui/page.tsx'
import { SchemaForm } from '../ui/schema-form.tsx'
import { State } from '../ui/state.tsx'
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

const send = async ({ id, tokenRequired }: Interaction, response: unknown, reason: string) => {
  const token = tokenRequired
    ? (await client.ask('POST /api/v1/interactions/{id}/token', { path: { id } })).data
    : null
  await client.ask('POST /api/v1/interactions/complete', {
    body: {
      interactionId: id,
      response,
      ...(token ? { resumeToken: token.resumeToken } : {}),
      ...(reason ? { reason } : {}),
    },
  })
}

const Answer = ({ question }: { readonly question: Interaction }) => {
  const [response, setResponse] = useState(() => initialOf(question.responseSchema))
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  const answer = async () => {
    setProblem(null)
    setBusy(true)
    try {
      await send(question, response, reason.trim())
      toast('The answer is recorded; the run goes on')
    } catch (error) {
      setProblem(error as ApiProblem)
    }
    setBusy(false)
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
          Reason <span className="quiet">may be left out; kept in the log</span>
        </span>
        <input
          value={reason}
          onChange={(event) => setReason(event.target.value)}
          maxLength={1000}
        />
      </label>
      {problem && <ProblemBox problem={problem} />}
      <div className="dialog-foot">
        <button type="submit" className="primary" disabled={busy}>
          {busy ? 'One moment…' : 'Answer'}
        </button>
      </div>
    </form>
  )
}

type QuestionProps = {
  readonly question: Interaction
  /** Where the question comes from, on a page that is not its run's. */
  readonly from?: React.ReactNode
}
export const Question = ({ question, from }: QuestionProps) => {
  const { step, status, askedAt, deadlineAt, assignee, group, answeredBy, response } = question
  return (
    <Card title={`${step} asks`} beside={<State of={status} />}>
      <div className="card-body stack">
        <p>
          {from}asked <Ago at={askedAt} />
          {(status === 'waiting' || status === 'expired') && (
            <>
              , {status === 'waiting' ? 'expires' : 'expired'} <Ago at={deadlineAt} />
            </>
          )}
          {assignee && `, for ${assignee}`}
          {group && `, for the group ${group}`}
        </p>
        <Json of={question.request} />
        {status === 'waiting' ? (
          <Now>
            <Answer question={question} />
          </Now>
        ) : (
          answeredBy && (
            <>
              <p>
                {answeredBy.name} answered
                {answeredBy.reason && `: ${answeredBy.reason}`}
              </p>
              <Json of={response} />
            </>
          )
        )}
      </div>
    </Card>
  )
}
