/** An open debounce window as a countdown: how long it has been quiet, and when it runs at the latest. */
import { useEffect, useRef } from 'react'
import type { DebounceWindow } from '../api/types.ts'
import { durationOf, useNow } from './time.tsx'

export const Ring = ({ open }: { readonly open: DebounceWindow }) => {
  const now = useNow()
  const ring = useRef<HTMLDivElement>(null)
  const isOpen = open.state !== 'idle' && open.openedAt !== null
  const from = Date.parse(open.lastTriggerAt ?? open.openedAt ?? '')
  const due = Date.parse(open.dueAt ?? '')
  const done = isOpen && due > from ? Math.min(1, Math.max(0, (now - from) / (due - from))) : 0
  useEffect(() => ring.current?.style.setProperty('--done', `${done * 360}deg`), [done])
  const left = Math.max(0, due - now)
  const text = `waits for ${durationOf(open.quietMs)} of quiet, ${durationOf(open.maxWaitMs)} at most`
  return (
    <div className="row">
      {isOpen && (
        <div className="ring" ref={ring} role="img" aria-label={`runs in ${durationOf(left)}`}>
          <span>{durationOf(left)}</span>
        </div>
      )}
      <span>
        {isOpen
          ? `${open.triggerCount} ${open.triggerCount === 1 ? 'change' : 'changes'} gathered`
          : 'No window is open'}
        <br />
        <span className="quiet">
          {open.state === 'blocked' ? `held back: ${open.waitingFor?.detail ?? ''}` : text}
        </span>
      </span>
    </div>
  )
}
