/**
 * Asking before something is done: what it will do in a sentence, a reason for the log, and what the API
 * said. The same sheet for every command, and the command line that does the same beside it.
 */
import { useEffect, useRef, useState, type ReactNode } from 'react'
import type { ApiProblem } from '../api/client.ts'
import { navigate, useAsOf } from '../router.tsx'
import { ProblemBox } from './page.tsx'
import { toast, toastProblem } from './toast.tsx'

/** What is written into the log beside a command; nothing when nobody gave a reason. */
export type Why = { readonly reason?: string }
export type Command = {
  readonly title: string
  readonly says: ReactNode
  readonly verb: string
  /** A path that it comes back with is where one sees what began. */
  readonly act: (why: Why) => Promise<unknown>
  readonly done: string
  readonly danger?: boolean
  readonly undo?: Command
}

let open: ((command: Command) => void) | null = null
export const askFor = (command: Command): void => open?.(command)

export const run = async ({ act, done, undo }: Command, reason: string) => {
  const begun = await act(reason ? { reason } : {})
  if (typeof begun === 'string') toast(done, { label: 'See it', act: () => navigate(begun) })
  else toast(done, undo && { label: 'Undo', act: () => void run(undo, 'undo').catch(toastProblem) })
}

export const Asking = () => {
  const [command, setCommand] = useState<Command | null>(null)
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  const [busy, setBusy] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const reason = useRef<HTMLInputElement>(null)
  useEffect(() => {
    open = (next) => {
      setProblem(null)
      setCommand(next)
      dialog.current?.showModal()
    }
  }, [])
  const close = () => {
    dialog.current?.close()
    setCommand(null)
  }
  const act = async () => {
    if (!command) return
    setBusy(true)
    try {
      await run(command, reason.current?.value.trim() ?? '')
      close()
    } catch (error) {
      setProblem(error as ApiProblem)
    }
    setBusy(false)
  }
  return (
    <dialog
      ref={dialog}
      aria-labelledby="asking"
      // Whoever is fast has opened it again by now.
      onClose={() => dialog.current?.open || setCommand(null)}
    >
      {command && (
        <form
          method="dialog"
          onSubmit={(event) => {
            event.preventDefault()
            void act()
          }}
        >
          <h2 id="asking">{command.title}</h2>
          <div className="says">{command.says}</div>
          <label className="field">
            <span>
              Reason <span className="quiet">may be left out; kept in the log</span>
            </span>
            <input ref={reason} name="reason" autoComplete="off" maxLength={1000} />
          </label>
          {problem && <ProblemBox problem={problem} />}
          <div className="dialog-foot">
            <button type="button" onClick={close}>
              Not now
            </button>
            <button type="submit" className={command.danger ? 'danger' : 'primary'} disabled={busy}>
              {busy ? 'One moment…' : command.verb}
            </button>
          </div>
        </form>
      )}
    </dialog>
  )
}

type DoProps = {
  readonly command: Command
  readonly children?: ReactNode
  readonly className?: string
}
/** Nothing is done to an earlier state. */
export const Do = ({ command, children, className = '' }: DoProps) => (
  <Now>
    <button type="button" className={className} onClick={() => askFor(command)}>
      {children ?? command.verb}
    </button>
  </Now>
)

/** What changes something: it is not there while an earlier state is looked at. */
export const Now = ({ children }: { readonly children: ReactNode }) =>
  useAsOf() === null ? children : null
