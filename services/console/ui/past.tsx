/**
 * Looking back: choose a commit or a time, see the same screens as of then, and go from change to change
 * of the thing on the screen. While it lasts a line above every screen says which state is shown.
 */
import { useState } from 'react'
import { isBeingMade, never, useApi } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import { useAsOf, usePath, useQuery } from '../router.tsx'
import { clockOf } from './time.tsx'
import { toast } from './toast.tsx'

/** Screens that show the log or what runs right now. */
const timeless = /^\/(events|system|streams|projections)\b/
/** How many commits are looked through at once for the next change. */
const stride = 2_000
const stridesMax = 10

/** What the screen is about; changes of anything where it is about many things. */
const useEntity = (): { readonly q?: string } => {
  const name = /^\/(runs|assets|pipelines)\/(.+?)\/?$/.exec(usePath())?.[2]
  return name === undefined ? {} : { q: name }
}
type Entity = ReturnType<typeof useEntity>

const changes = async (query: Entity & { before?: number; after?: number; limit: number }) => {
  const { data } = await client.ask('GET /api/v1/log', { query })
  return data.map(({ seq }) => seq)
}

const before = async (seq: number | null, entity: Entity): Promise<number | null> => {
  if (seq !== null) return (await changes({ ...entity, before: seq, limit: 1 }))[0] ?? null
  // What is shown now is the state after the newest one.
  return (await changes({ ...entity, limit: 2 }))[1] ?? null
}

const after = async (seq: number, entity: Entity): Promise<number | null> => {
  const [head = 0] = await changes({ limit: 1 })
  for (let from = seq, strides = 0; from < head && strides < stridesMax; strides++) {
    const found = await changes({ ...entity, after: from, before: from + stride + 1, limit: 500 })
    if (found.length > 0) return found.at(-1)!
    from += stride
  }
  return null
}

type StepProps = {
  readonly label: string
  readonly find: () => Promise<number | null>
  readonly none: string
}
const Step = ({ label, find, none }: StepProps) => {
  const { set } = useQuery()
  const [busy, setBusy] = useState(false)
  const go = async () => {
    setBusy(true)
    const seq = await find().catch(() => null)
    setBusy(false)
    if (seq === null) toast(none)
    else set({ asOf: String(seq) }, false)
  }
  return (
    <button type="button" className="small" disabled={busy} onClick={() => void go()}>
      {label}
    </button>
  )
}

export const LookBack = () => {
  const entity = useEntity()
  const { set } = useQuery()
  const path = usePath()
  if (timeless.test(path)) return null
  return (
    <details className="look-back">
      <summary title="See this screen as it was">
        <span aria-hidden="true">↺</span> Look back
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const text = new FormData(event.currentTarget).get('asOf')
          if (typeof text === 'string' && text.trim()) set({ asOf: text.trim() }, false)
        }}
      >
        <label className="field">
          <span>
            As of <span className="quiet">commit, time or how long ago</span>
          </span>
          <input name="asOf" autoComplete="off" maxLength={40} placeholder="1234 or 15m" />
        </label>
        <div className="row">
          <Step
            label="‹ Previous change"
            none="There is no earlier change"
            find={() => before(null, entity)}
          />
          <button type="submit" className="small primary">
            Show
          </button>
        </div>
      </form>
    </details>
  )
}

/** Which state is on the screen, and the ways to others. */
export const Past = () => {
  const entity = useEntity()
  const isTimeless = timeless.test(usePath())
  const asOf = useAsOf()
  const { set } = useQuery()
  const { data, error } = useApi(addressOf('GET /api/v1/status', {}), never)
  const back = (
    <button type="button" className="small primary" onClick={() => set({ asOf: null }, false)}>
      Back to now
    </button>
  )
  if (!data || error)
    return (
      <div className="past" role={error && !isBeingMade(error) ? 'alert' : 'status'}>
        <p>
          <strong>As of {asOf}</strong> {error?.message ?? 'is on its way'}
        </p>
        {back}
      </div>
    )
  const { projectedSeq: seq, at } = data
  return (
    <div className="past" role="status">
      <p>
        <span aria-hidden="true">↺ </span>
        <strong>
          As of #{seq}, <time dateTime={at}>{clockOf(at).slice(0, 8)}</time>
        </strong>{' '}
        <span className="quiet nowrap">
          {at.slice(0, 10)} UTC
          {!isTimeless && <span className="wide"> · nothing can be changed here</span>}
        </span>
        {isTimeless && <strong> · but this screen always shows now</strong>}
      </p>
      <div className="row">
        {!isTimeless && (
          <>
            <Step
              label="‹ Previous change"
              none="There is no earlier change"
              find={() => before(seq, entity)}
            />
            <Step
              label="Next change ›"
              none="There is no later change"
              find={() => after(seq, entity)}
            />
          </>
        )}
        {back}
      </div>
    </div>
  )
}
