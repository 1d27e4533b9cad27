/**
 * A run as bars of time: how long it waited for its window and for a worker, and what each step took.
 * Long gaps in which nothing happened are squeezed, so that short steps stay visible.
 */
import { useEffect, useMemo, useRef } from 'react'
import type { Run, Step } from '../../api/types.ts'
import { lookOf } from '../../ui/state.tsx'
import { durationOf } from '../../ui/time.tsx'

type Span = { readonly from: number; readonly to: number }
const gapShare = 0.2
const squeezedShare = 0.05

/** Where a moment stands between 0 and 1 when gaps are squeezed. */
export const scaleOf = (spans: readonly Span[]): ((ms: number) => number) => {
  const sorted = spans.toSorted((a, b) => a.from - b.from)
  const first = sorted[0]?.from ?? 0
  const end = Math.max(first + 1, ...sorted.map(({ to }) => to))
  const total = end - first
  const pieces: (Span & { share: number })[] = []
  let at = first
  for (const { from, to } of sorted) {
    if (from - at > total * gapShare) {
      pieces.push({ from: at, to: from, share: total * squeezedShare })
      at = from
    }
    if (to > at) {
      pieces.push({ from: at, to, share: to - at })
      at = to
    }
  }
  const whole = pieces.reduce((sum, { share }) => sum + share, 0) || 1
  return (ms) => {
    let share = 0
    for (const piece of pieces) {
      if (ms >= piece.to) share += piece.share
      else if (ms > piece.from) {
        share += (piece.share * (ms - piece.from)) / (piece.to - piece.from)
        break
      }
    }
    return share / whole
  }
}

const Bar = ({
  from,
  to,
  className,
}: {
  readonly from: number
  readonly to: number
  readonly className: string
}) => {
  const bar = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    bar.current?.style.setProperty('left', `${from * 100}%`)
    bar.current?.style.setProperty('width', `${(to - from) * 100}%`)
  })
  return <span ref={bar} className={`bar ${className}`} />
}

const time = (at: string | null): number => (at === null ? Number.NaN : Date.parse(at))
/** Moments are known to the millisecond; the duration of a step more exactly. */
const spanOf = ({ startedAt, endedAt, durationMs }: Step): Span | null => {
  const from = time(startedAt)
  if (Number.isNaN(from)) return null
  return { from, to: Math.max(time(endedAt) || Date.now(), from + (durationMs ?? 0)) }
}

/** It began more than once: what came before is not only waiting for a worker. */
export const startedBefore = ({ redrives, attempt, questions }: Run): boolean =>
  redrives > 0 || (attempt ?? 1) > 1 || questions.length > 0

const waitWords = {
  window: 'waited for quiet',
  queue: 'waited for a worker',
  again: 'before its last start',
}
type Wait = Span & { readonly what: keyof typeof waitWords }

type TimelineProps = {
  readonly run: Run
  readonly steps: readonly Step[]
  readonly chosen: string | null
  readonly onChoose: (step: string) => void
}
export const Timeline = ({ run, steps, chosen, onChoose }: TimelineProps) => {
  const requested = time(run.requestedAt)
  const started = time(run.startedAt)
  const rows = useMemo(() => {
    const waits: readonly Wait[] = [
      ...(run.windowOpenedAt
        ? [{ what: 'window' as const, from: time(run.windowOpenedAt), to: requested }]
        : []),
      {
        what: startedBefore(run) ? 'again' : 'queue',
        from: requested,
        to: Number.isNaN(started) ? Date.now() : started,
      },
    ]
    const executed = steps.map((step) => ({ step, span: spanOf(step) }))
    // Waiting for quiet is a gap like any other: only where it begins counts.
    const began = waits.map(({ what, from, to }) => ({ from, to: what === 'window' ? from : to }))
    const at = scaleOf([...began, ...executed.flatMap(({ span }) => (span ? [span] : []))])
    return { waits, executed, at }
  }, [run, steps, requested, started])
  const { waits, executed, at } = rows
  const total = Math.max(...waits.map(({ to }) => to), ...executed.map(({ span }) => span?.to ?? 0))
  return (
    <div className="gantt">
      <div className="gantt-axis" aria-hidden="true">
        <div>step</div>
        <div>
          <span>0</span>
          <span>{durationOf(Math.max(0, total - waits[0]!.from))}</span>
        </div>
        <div className="gantt-time">took</div>
      </div>
      {waits.map(({ what, from, to }) => (
        <div key={what} className="gantt-row">
          <span className="gantt-name quiet">
            <span className="gantt-sign" aria-hidden="true">
              ◷
            </span>
            <span>{waitWords[what]}</span>
          </span>
          <span className="track">
            <Bar from={at(from)} to={at(to)} className="queue" />
          </span>
          <span className="gantt-time">{durationOf(to - from)}</span>
        </div>
      ))}
      {executed.map(({ step, span }) => {
        const { tone, sign, word } = lookOf(step.status)
        return (
          <button
            key={step.id}
            type="button"
            className="gantt-row"
            data-step={step.id}
            aria-pressed={chosen === step.id}
            onClick={() => onChoose(step.id)}
          >
            <span className="gantt-name">
              <span className={`gantt-sign ${tone}`} title={word}>
                <span aria-hidden="true">{sign}</span>
              </span>
              <span>{step.id}</span>
            </span>
            <span className="track">
              {span && <Bar from={at(span.from)} to={at(span.to)} className={tone} />}
            </span>
            <span className="gantt-time">
              {step.durationMs === null
                ? (step.reason ?? word).replaceAll('_', ' ')
                : durationOf(step.durationMs)}
            </span>
          </button>
        )
      })}
      <div className="legend">
        <span>
          <i className="bar queue" />
          waiting; long waits are drawn shorter
        </span>
        <span>
          <i className="bar good" />✓ worked
        </span>
        <span>
          <i className="bar bad" />✕ failed
        </span>
      </div>
    </div>
  )
}
