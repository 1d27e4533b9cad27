/** A sentence about what was done or went wrong, for a moment, with a way back where there is one. */
import { useSyncExternalStore } from 'react'

type Toast = {
  readonly sign: '✓' | '✕'
  readonly text: string
  readonly action?: { label: string; act: () => void } | undefined
}
const shownMs = 8_000
let shown: Toast | null = null
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

const show = (next: Toast | null): void => {
  shown = next
  clearTimeout(timer)
  if (next) timer = setTimeout(() => show(null), shownMs)
  for (const listener of listeners) listener()
}
export const toast = (text: string, action?: Toast['action']): void =>
  show({ sign: '✓', text, action })
export const toastProblem = (error: unknown): void =>
  show({ sign: '✕', text: error instanceof Error ? error.message : String(error) })

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const Toasts = () => {
  const current = useSyncExternalStore(subscribe, () => shown)
  return (
    <div className="toasts" role="status" aria-live="polite">
      {current && (
        <div className="toast">
          <span>
            <span aria-hidden="true">{current.sign} </span>
            {current.text}
          </span>
          {current.action && (
            <button
              type="button"
              className="small"
              onClick={() => {
                show(null)
                current.action!.act()
              }}
            >
              {current.action.label}
            </button>
          )}
        </div>
      )}
    </div>
  )
}
