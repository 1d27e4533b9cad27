/** A run: first where the time went and what failed, then everything else about it. */
import { useEffect } from 'react'
import { never, useApi, type Concern } from '../../api/cache.ts'
import { addressOf, client } from '../../api/client.ts'
import type { Run } from '../../api/types.ts'
import { Link, navigate, paths, useQuery } from '../../router.tsx'
import { Do, type Command } from '../../ui/ask.tsx'
import { DagView } from '../../ui/dag.tsx'
import { Card, Copy, Empty, Facts, Loaded, Page, Tabs } from '../../ui/page.tsx'
import { isBad, isOpen, lookOf, State } from '../../ui/state.tsx'
import { Ago, counted, durationOf } from '../../ui/time.tsx'
import { natsCommandOf } from '../event-rows.tsx'
import { RunEvents } from '../events.tsx'
import { Question } from '../question.tsx'
import { Compare } from './compare.tsx'
import { InAndOut } from './data.tsx'
import { Inspector, NoStep } from './inspector.tsx'
import { Sentence } from './sentence.tsx'
import { startedBefore, Timeline } from './timeline.tsx'

const cancel = ({ id, pipelineId }: Run): Command => ({
  title: 'Cancel this run',
  says: (
    <p>
      The step that is being done is ended, nothing is published, and the run of {pipelineId} stays
      cancelled. It can be redriven later.
    </p>
  ),
  verb: 'Cancel run',
  danger: true,
  act: (why) => client.ask('POST /api/v1/runs/{id}/cancel', { path: { id }, body: why }),
  done: 'Cancellation is recorded',
})
const redrive = ({ id, pipelineVersion }: Run, startOver: boolean): Command => ({
  title: startOver ? 'Do the whole run again' : 'Go on from the step that failed',
  says: (
    <p>
      The same inputs, on version <code>{pipelineVersion}</code>.{' '}
      {startOver ? 'Every step is done again.' : 'Steps that succeeded are kept as they are.'}
    </p>
  ),
  verb: 'Redrive',
  act: (why) =>
    client.ask('POST /api/v1/runs/{id}/redrive', { path: { id }, body: { startOver, ...why } }),
  done: 'The redrive is recorded',
})

const Actions = ({ run }: { readonly run: Run }) => (
  <>
    {(isBad(run.status) || run.status === 'cancelled') && (
      <>
        <Do className="primary" command={redrive(run, false)}>
          Redrive from failed step
        </Do>
        <Do command={redrive(run, true)}>Redrive all</Do>
      </>
    )}
    {isOpen(run.status) && <Do className="danger" command={cancel(run)} />}
    <Copy text={`npm run headway -- why ${run.id}`} label="Copy as command" />
    <Copy text={natsCommandOf(run.seq)} label="Copy as nats command" />
  </>
)

const stepsInView = 12

const TimelineTab = ({ run }: { readonly run: Run }) => {
  const { query, set } = useQuery()
  const steps = run.steps.toSorted((a, b) => a.index - b.index)
  const first =
    steps.find(({ status }) => status === 'failed') ?? steps.find(({ logs }) => logs.length > 0)
  const step = steps.find(({ id }) => id === query.get('step')) ?? first ?? steps[0]
  const failed = first?.status === 'failed' ? first.id : null
  useEffect(() => {
    if (failed && steps.length > stepsInView)
      document
        .querySelector(`[data-step="${CSS.escape(failed)}"]`)
        ?.scrollIntoView({ block: 'nearest' })
  }, [failed, steps.length])
  return (
    <div className="timeline">
      <Card
        title="Timeline"
        beside={<span className="quiet">{counted(steps.length, 'step')}</span>}
      >
        <Timeline
          run={run}
          steps={steps}
          chosen={step?.id ?? null}
          onChoose={(id) => set({ step: id })}
        />
      </Card>
      {step ? <Inspector run={run} step={step} /> : <NoStep run={run} />}
    </div>
  )
}

const GraphTab = ({ run }: { readonly run: Run }) => {
  const dag = useApi(
    addressOf('GET /api/v1/pipelines/{id}/dag', {
      path: { id: run.pipelineId },
      query: { version: run.pipelineVersion ?? undefined },
    }),
    never,
  )
  const states = Object.fromEntries(run.steps.map(({ id, status }) => [id, status]))
  return (
    <Card title="Graph" beside={<code className="quiet">{run.pipelineVersion}</code>}>
      <Loaded result={dag}>
        {(data) => (
          <DagView
            dag={data}
            states={states}
            onChoose={(id) =>
              id in states && navigate(`${paths.run(run.id)}?step=${encodeURIComponent(id)}`)
            }
          />
        )}
      </Loaded>
    </Card>
  )
}

const Attempts = ({ run }: { readonly run: Run }) => {
  const errors = run.errors ?? []
  if (errors.length === 0)
    return (
      <Card>
        <Empty title="Nothing went wrong">Each attempt that fails is listed here.</Empty>
      </Card>
    )
  return (
    <Card title="Attempts that failed">
      <div className="card-body stack">
        {errors.map((error) => (
          <div key={`${error.epoch} ${error.attempt} ${error.recordedAt}`}>
            <p className="row">
              <State
                of={error.outcome === 'retried' ? 'retrying' : error.outcome}
                word={error.outcome.replaceAll('_', ' ')}
              />
              attempt {error.attempt}
              {error.epoch > 0 && `, redrive ${error.epoch}`}
              <span className="quiet">
                <Ago at={error.recordedAt} />
              </span>
            </p>
            <p>
              <strong>{error.type}</strong> {error.message}
            </p>
          </div>
        ))}
      </div>
    </Card>
  )
}

/** What it asks can be answered right here. */
const Questions = ({ run: { id } }: { readonly run: Run }) => {
  const { data } = useApi(
    addressOf('GET /api/v1/interactions', { query: { run: id, status: ['waiting'] } }),
    ({ runs, kind }) => runs.includes(id) || kind === 'interaction',
  )
  if (!data || data.length === 0) return null
  return (
    <div className="columns">
      {data.map((question) => (
        <Question key={question.id} question={question} />
      ))}
    </div>
  )
}

export const RunScreen = ({ id }: { readonly id: string }) => {
  const concern: Concern = ({ runs }) => runs.includes(id)
  const result = useApi(addressOf('GET /api/v1/runs/{id}', { path: { id } }), concern)
  const run = result.data
  const look = lookOf(run?.status ?? '')
  const queued = run?.startedAt ? Date.parse(run.startedAt) - Date.parse(run.requestedAt) : null
  const ran =
    run?.startedAt && run.endedAt ? Date.parse(run.endedAt) - Date.parse(run.startedAt) : null
  return (
    <Page
      back={{ to: '/runs', label: 'Runs' }}
      title={run ? run.pipelineId : 'Run'}
      tab={run ? `${look.sign} ${run.pipelineId} …${id.slice(-6)}` : 'Run'}
      beside={
        run && (
          <>
            <State of={run.status} />
            <code>{run.id}</code>
            <span>
              <Ago at={run.requestedAt} />
            </span>
            {run.supersededBy && (
              <Link to={paths.run(run.supersededBy)}>superseded by a newer one</Link>
            )}
            {run.canary && <Link to={paths.run(run.canary.of)}>canary of another run</Link>}
          </>
        )
      }
      actions={run && <Actions run={run} />}
    >
      <Loaded result={result}>
        {(data) => (
          <>
            <Card>
              <div className="card-body stack">
                <Sentence run={data} />
                {data.waitingFor && (
                  <p>
                    <State of="waiting" word={`waits for ${data.waitingFor.what}`} />{' '}
                    {data.waitingFor.what === 'answer'
                      ? 'to the question below'
                      : data.waitingFor.detail}
                  </p>
                )}
                {data.error && (
                  <p>
                    <State of={data.status} /> <strong>{data.error.type}</strong>{' '}
                    {data.error.message}
                  </p>
                )}
                <Facts
                  facts={[
                    [
                      startedBefore(data) ? 'Before its last start' : 'Queued',
                      queued === null ? '–' : durationOf(queued),
                    ],
                    ['Ran', ran === null ? '–' : durationOf(ran)],
                    ['Attempt', `${data.attempt} of ${data.attemptsMax ?? '?'}`],
                    ['Redriven', data.redrives === 0 ? 'never' : `${data.redrives} ×`],
                    [
                      'Position',
                      <Link key="seq" to={paths.commit(data.seq)}>
                        event {data.seq}
                      </Link>,
                    ],
                  ]}
                />
              </div>
            </Card>
            {data.status === 'waiting_external' && <Questions run={data} />}
            <Tabs
              name="view"
              tabs={[
                { id: 'timeline', label: 'Timeline', body: () => <TimelineTab run={data} /> },
                { id: 'data', label: 'Inputs and outputs', body: () => <InAndOut run={data} /> },
                {
                  id: 'attempts',
                  label: `Attempts${data.errors?.length ? ` (${data.errors.length} failed)` : ''}`,
                  body: () => <Attempts run={data} />,
                },
                { id: 'graph', label: 'Graph', body: () => <GraphTab run={data} /> },
                {
                  id: 'compare',
                  label: 'Difference to last success',
                  body: () => <Compare run={data} />,
                },
                { id: 'events', label: 'Events', body: () => <RunEvents run={data} /> },
              ]}
            />
          </>
        )}
      </Loaded>
    </Page>
  )
}
