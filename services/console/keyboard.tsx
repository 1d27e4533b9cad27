/** The keyboard: g and a letter goes somewhere, j and k walk rows, / searches, ? tells all of it. */
import { useEffect, useRef } from 'react'
import { navigate } from './router.tsx'
import { menu } from './screens/index.tsx'

const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null

const walk = (step: number): void => {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const at = rows.findIndex((row) => row.classList.contains('at'))
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))]
  if (!next) return
  rows[at]?.classList.remove('at')
  next.classList.add('at')
  next.scrollIntoView({ block: 'nearest' })
}
const openRow = (): boolean => {
  const to = document.querySelector<HTMLElement>('[data-row].at')?.dataset.row
  if (to) navigate(to)
  return to !== undefined
}

export const Keyboard = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    let before = ''
    const press = (event: KeyboardEvent) => {
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event)) return
      const { key } = event
      const place = before === 'g' ? menu.find((entry) => entry.key === key) : undefined
      before = key
      if (place) navigate(place.to)
      else if (key === 'j') walk(1)
      else if (key === 'k') walk(-1)
      else if (key === '?') dialog.current?.showModal()
      else if (key === '/') {
        const field = document.querySelector<HTMLInputElement>('input[type=search]')
        if (!field) return
        event.preventDefault()
        field.focus()
        field.select()
      } else if (
        key !== 'Enter' ||
        (event.target !== document.body && !('row' in (event.target as HTMLElement).dataset)) ||
        !openRow()
      )
        return
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  const keys: readonly (readonly [string, string])[] = [
    ['Ctrl K', 'go to anything'],
    ['/', 'search on this screen'],
    ['j  k', 'next and previous row'],
    ['Enter', 'open the row'],
    ...menu.map(({ key, label }) => [`g ${key}`, label] as const),
    ['?', 'this list'],
    ['Esc', 'close'],
  ]
  return (
    <dialog ref={dialog} aria-labelledby="keys">
      <h2 id="keys">Keyboard</h2>
      <dl className="keys">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(/ +/).map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" className="dialog-foot">
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}
