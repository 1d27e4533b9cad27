/** One step in full: what it said, what it found, what went in and out, and its earlier attempts. */
import type { Finding, Run, Step } from '../../api/types.ts'
import { Card, Copy, Empty, Facts } from '../../ui/page.tsx'
import { State } from '../../ui/state.tsx'
import { durationOf } from '../../ui/time.tsx'

const tones: Readonly<Record<string, string>> = { error: 'bad', warning: 'warn', info: 'off' }

export const Findings = ({ of }: { readonly of: readonly Finding[] }) => (
  <div>
    {of.map(({ code, severity, message, count, subject }) => (
      <div className="finding" key={`${code} ${message}`}>
        <span className={`state ${tones[severity] ?? 'off'}`}>{severity}</span>
        <span>
          <code>{code}</code> {message}
          {subject && <span className="quiet"> {Object.values(subject).join(' ')}</span>}
        </span>
        <span className="number quiet">×{count}</span>
      </div>
    ))}
  </div>
)

export const Inspector = ({ run, step }: { readonly run: Run; readonly step: Step }) => {
  const earlier = run.earlierAttempts.flatMap(({ epoch, attempt, steps }) =>
    steps.filter(({ id }) => id === step.id).map((one) => ({ ...one, epoch, attempt })),
  )
  return (
    <div className="inspector">
      <Card title={step.id} beside={<State of={step.status} />}>
        <div className="card-body stack">
          {step.error && (
            <div className="problem">
              <strong>{step.error.type}</strong>
              <p>{step.error.message}</p>
              <Copy text={`${step.error.type}: ${step.error.message}`} label="Copy error" />
            </div>
          )}
          <Facts
            facts={[
              ['Took', step.durationMs === null ? '–' : durationOf(step.durationMs)],
              ['Attempt', `${step.attempt} of ${run.attemptsMax ?? '?'}`],
              ['Rows in', step.rowsIn?.toLocaleString('en') ?? '–'],
              ['Rows out', step.rowsOut?.toLocaleString('en') ?? '–'],
            ]}
          />
          {step.reason && <p>Not done: {step.reason.replaceAll('_', ' ')}.</p>}
          <h3>Log</h3>
          {step.logs.length > 0 ? (
            <pre className="log" tabIndex={0} role="region" aria-label={`log of ${step.id}`}>
              {step.logs.join('\n')}
            </pre>
          ) : (
            <p className="quiet">It said nothing.</p>
          )}
          {step.findings.length > 0 && (
            <>
              <h3>Findings</h3>
              <Findings of={step.findings} />
            </>
          )}
          {earlier.length > 0 && (
            <>
              <h3>Earlier attempts</h3>
              {earlier.map((one) => (
                <p key={`${one.epoch}-${one.attempt}`} className="row">
                  <State of={one.status} /> attempt {one.attempt}
                  {one.epoch > 0 && `, redrive ${one.epoch}`}
                  <span className="quiet">{one.error?.message}</span>
                </p>
              ))}
            </>
          )}
        </div>
      </Card>
    </div>
  )
}

export const NoStep = ({ run }: { readonly run: Run }) => (
  <Card>
    <Empty title={run.waitingFor ? `It waits for ${run.waitingFor.what}` : 'No step has begun'}>
      {run.waitingFor?.detail}
    </Empty>
  </Card>
)
