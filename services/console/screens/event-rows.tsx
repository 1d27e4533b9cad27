/** Commits in rows: each tells what it is about, and only those that can be seen are drawn. */
import { memo, useRef, useState } from 'react'
import type { Commit } from '../api/types.ts'
import { clockOf } from '../ui/time.tsx'

const rowPx = 36
const spare = 12
const dull = new Set(['type', 'v', 'at', 'run', 'asset', 'pipeline', 'attempt', 'logs', 'findings'])

type Told = Readonly<Record<string, unknown>>
const refsOf = (refs: unknown): string =>
  ((refs ?? []) as { asset: string; ordinal: number }[])
    .map(({ asset, ordinal }) => `${asset} #${ordinal}`)
    .join(', ')
const word = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const stories: Readonly<Record<string, (event: Told) => string>> = {
  AssetVersioned: ({ ordinal, sizeBytes, rows }) =>
    `#${word(ordinal)}, ${word(sizeBytes)} bytes, ${word(rows)} rows`,
  RunRequested: ({ reason, triggeredBy }) => `${word(reason)} ${refsOf(triggeredBy)}`,
  ArtifactPublished: ({ asset, ordinal }) => `published ${word(asset)} #${word(ordinal)}`,
  RunCompleted: () => 'completed',
  StepFailed: ({ step, error }) => `${word(step)}: ${word((error as Told).message)}`,
}
const plainStory = (event: Told): string =>
  Object.entries(event)
    .filter(([name, value]) => !dull.has(name) && value !== null && typeof value !== 'object')
    .map(([name, value]) => `${name} ${word(value)}`)
    .join(', ')

/** What shows an event without this console. */
export const natsCommandOf = (seq: number): string =>
  `nats stream get EVENTS ${seq} --translate 'npm run -s headway -- decode'`

/** The story of a commit in one line: what can be told best is told. */
const previewOf = ({ events, problem }: Commit): string => {
  if (problem) return `unreadable: ${problem}`
  const told = events.flatMap((event) => stories[event.type]?.(event) ?? [])
  return (told.length > 0 ? told.join('; ') : plainStory(events[0] ?? {})).slice(0, 240)
}
export const typesOf = ({ events }: Commit): string => {
  const types = [...new Set(events.map(({ type }) => type))]
  const more = events.length > 1 ? ` (${events.length})` : ''
  return `${types.slice(0, 2).join(', ')}${types.length > 2 ? '…' : ''}${more}`
}

const place = (element: HTMLElement | null, name: string, px: number) =>
  element?.style.setProperty(name, `${px}px`)

type RowProps = {
  readonly commit: Commit
  readonly isChosen: boolean
  readonly place: number
  readonly onChoose: (seq: number) => void
}
/** Drawn once, however often the list is scrolled past it. */
const Row = memo(({ commit, isChosen, place: at, onChoose }: RowProps) => (
  <button
    type="button"
    className="event-row"
    aria-pressed={isChosen}
    ref={(element) => place(element, 'top', at * rowPx)}
    onClick={() => onChoose(commit.seq)}
  >
    <span className="number quiet">{commit.seq}</span>
    <span className="number quiet" title={commit.at}>
      {clockOf(commit.at)}
    </span>
    <span>{typesOf(commit)}</span>
    <span>
      <span className="quiet">{commit.kind}</span> {commit.name}
    </span>
    <span className="quiet">{previewOf(commit)}</span>
  </button>
))

export const Rows = ({
  commits,
  chosen,
  onChoose,
  onEnd,
}: {
  readonly commits: readonly Commit[]
  readonly chosen: number | null
  readonly onChoose: (seq: number) => void
  readonly onEnd?: () => void
}) => {
  const [first, setFirst] = useState(0)
  const frame = useRef<HTMLDivElement>(null)
  const height = Math.max(800, frame.current?.clientHeight ?? 0)
  const from = Math.max(0, first - spare)
  const shown = commits.slice(from, first + Math.ceil(height / rowPx) + 2 * spare)
  return (
    <div
      ref={frame}
      className="events-list"
      tabIndex={0}
      role="region"
      aria-label="events"
      onScroll={({ currentTarget }) => {
        setFirst(Math.floor(currentTarget.scrollTop / rowPx / spare) * spare)
        const { scrollTop, scrollHeight, clientHeight } = currentTarget
        if (scrollHeight - scrollTop - clientHeight < 600) onEnd?.()
      }}
    >
      <div ref={(element) => place(element, 'height', commits.length * rowPx)}>
        {shown.map((commit, i) => (
          <Row
            key={commit.seq}
            commit={commit}
            isChosen={commit.seq === chosen}
            place={from + i}
            onChoose={onChoose}
          />
        ))}
      </div>
    </div>
  )
}
