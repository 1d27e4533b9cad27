/**
 * Ctrl-K or ⌘K: a few letters of a screen, an asset, a pipeline or a run, and Enter goes there. It is a
 * combobox as ARIA has it: the field keeps the focus, arrows move through what was found.
 */
import { useEffect, useRef, useState, type KeyboardEvent as Press } from 'react'
import { never, useApi } from './api/cache.ts'
import { addressOf } from './api/client.ts'
import { navigate, paths } from './router.tsx'
import { menu } from './screens/index.tsx'

type Place = {
  readonly to: string
  readonly label: string
  readonly kind: string
  readonly sign: string
}

const shownMax = 12
const runIds = /^[0-9A-HJKMNP-TV-Z]{26}$/
const position = /^#?\d{1,15}$/

let open: (() => void) | null = null
export const openPalette = (): void => open?.()

/** How well a text fits: the beginning of a word is best, then letters in their order; null is not at all. */
const fitOf = (text: string, asked: string): number | null => {
  const [in_, wanted] = [text.toLowerCase(), asked.toLowerCase()]
  const at = in_.indexOf(wanted)
  if (at >= 0) return at === 0 ? 0 : /\w/.test(in_[at - 1]!) ? 2 : 1
  let from = 0
  for (const letter of wanted) {
    const found = in_.indexOf(letter, from)
    if (found < 0) return null
    from = found + 1
  }
  return 3
}

const asIs = (asked: string): readonly Place[] => {
  const id = asked.toUpperCase()
  if (runIds.test(id)) return [{ to: paths.run(id), label: id, kind: 'run', sign: '▶' }]
  if (!position.test(asked)) return []
  const seq = Number(asked.replace('#', ''))
  return [{ to: paths.commit(seq), label: `event ${seq}`, kind: 'event', sign: '≡' }]
}

const foundOf = (places: readonly Place[], asked: string): readonly Place[] => {
  if (asked === '') return places.filter(({ kind }) => kind === 'screen')
  const fitting = places.flatMap((place) => {
    const fit = fitOf(place.label, asked)
    return fit === null ? [] : [{ place, fit }]
  })
  const ordered = fitting.toSorted((a, b) => a.fit - b.fit).map(({ place }) => place)
  return [...asIs(asked), ...ordered].slice(0, shownMax)
}

const usePlaces = (isOpen: boolean): readonly Place[] => {
  const assets = useApi(isOpen ? addressOf('GET /api/v1/assets', {}) : null, never)
  const pipelines = useApi(isOpen ? addressOf('GET /api/v1/pipelines', {}) : null, never)
  const runs = useApi(isOpen ? addressOf('GET /api/v1/runs', {}) : null, never)
  return [
    ...menu.map(({ to, label, sign }) => ({ to, label, sign, kind: 'screen' })),
    ...(pipelines.data ?? []).map(({ id }) => ({
      to: paths.pipeline(id),
      label: id,
      kind: 'pipeline',
      sign: '⌥',
    })),
    ...(assets.data ?? []).map(({ key }) => ({
      to: paths.asset(key),
      label: key,
      kind: 'asset',
      sign: '◫',
    })),
    ...(runs.data ?? []).map(({ id, pipelineId }) => ({
      to: paths.run(id),
      label: `${id} ${pipelineId}`,
      kind: 'run',
      sign: '▶',
    })),
  ]
}

export const Palette = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [isOpen, setOpen] = useState(false)
  const [asked, setAsked] = useState('')
  const [at, setAt] = useState(0)
  const found = foundOf(usePlaces(isOpen), asked.trim())
  const chosen = Math.min(at, found.length - 1)
  useEffect(() => {
    open = () => {
      if (dialog.current?.open) return
      setAsked('')
      setAt(0)
      setOpen(true)
      dialog.current?.showModal()
    }
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return
      event.preventDefault()
      openPalette()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  useEffect(() => {
    document.getElementById(`place-${chosen}`)?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  const go = (place: Place | undefined) => {
    if (!place) return
    dialog.current?.close()
    setOpen(false)
    navigate(place.to)
  }
  const press = (event: Press) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) setAt((chosen + step + found.length) % Math.max(1, found.length))
    else if (event.key === 'Enter') go(found[chosen])
    else return
    event.preventDefault()
  }
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="go to"
      // Whoever is fast has opened it again by now.
      onClose={() => dialog.current?.open || setOpen(false)}
      onClick={({ target }) => target === dialog.current && dialog.current?.close()}
    >
      {isOpen && (
        <>
          <input
            autoFocus
            role="combobox"
            aria-label="go to a screen, asset, pipeline or run"
            aria-expanded={found.length > 0}
            aria-controls="places"
            aria-autocomplete="list"
            aria-activedescendant={found.length > 0 ? `place-${chosen}` : undefined}
            placeholder="Go to a screen, asset, pipeline, run or event…"
            autoComplete="off"
            spellCheck={false}
            maxLength={200}
            value={asked}
            onChange={({ target }) => {
              setAsked(target.value)
              setAt(0)
            }}
            onKeyDown={press}
          />
          <ul id="places" role="listbox" aria-label="places">
            {found.map((place, i) => (
              <li
                key={place.to}
                id={`place-${i}`}
                role="option"
                aria-selected={i === chosen}
                onMouseMove={() => setAt(i)}
                onClick={() => go(place)}
              >
                <span aria-hidden="true" className="menu-sign">
                  {place.sign}
                </span>
                <span className="place-name">{place.label}</span>
                <span className="quiet">{place.kind}</span>
              </li>
            ))}
          </ul>
          {found.length === 0 && (
            <p className="palette-none" role="status">
              Nothing here is called “{asked.trim()}”
            </p>
          )}
          <p className="palette-foot quiet">
            <span>
              <kbd>↑</kbd>
              <kbd>↓</kbd> choose
            </span>
            <span>
              <kbd>Enter</kbd> go
            </span>
            <span>
              <kbd>Esc</kbd> close
            </span>
          </p>
        </>
      )}
    </dialog>
  )
}
