/** Runs: the filter is the address, a saved filter is a name for one, and what is chosen is done at once. */
import { useState } from 'react'
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { send, type ApiProblem } from '../api/client.ts'
import type { Pipeline, RunSummary } from '../api/types.ts'
import { navigate, useQuery } from '../router.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { RunTable } from '../ui/run-table.tsx'
import { More } from '../ui/table.tsx'
import { toast } from '../ui/toast.tsx'
import { isOpen } from '../ui/state.tsx'

const openStatuses = ['pending', 'running', 'retrying', 'waiting_external', 'waiting_for_worker']
const choices = [
  ['', 'All'],
  ['open', 'Under way'],
  ['bad', 'Failed'],
  ['completed', 'Completed'],
  ['waiting_external', 'Asking'],
  ['cancelled', 'Cancelled'],
] as const
const groups: Readonly<Record<string, readonly string[]>> = {
  open: openStatuses,
  bad: ['failed', 'dead_lettered'],
}
const savedKey = 'headway.filters'
type Saved = { readonly name: string; readonly search: string }

const pathOf = (query: URLSearchParams): string => {
  const wanted = new URLSearchParams()
  const status = query.get('status') ?? ''
  for (const one of groups[status] ?? (status ? [status] : [])) wanted.append('status', one)
  for (const name of ['pipeline', 'version', 'since']) {
    const value = query.get(name)
    if (value) wanted.set(name, value)
  }
  return `runs?${wanted}`
}

const SavedFilters = () => {
  const [saved, setSaved] = useState<Saved[]>(
    () => JSON.parse(localStorage.getItem(savedKey) ?? '[]') as Saved[],
  )
  const keep = (next: Saved[]) => {
    setSaved(next)
    localStorage.setItem(savedKey, JSON.stringify(next))
  }
  const [name, setName] = useState('')
  const { query } = useQuery()
  const search = query.toString()
  return (
    <div className="chips">
      {saved.map((one) => (
        <span key={one.name} className="row">
          <button
            type="button"
            className="chip"
            aria-current={one.search === search}
            onClick={() => navigate(`/runs?${one.search}`)}
          >
            ★ {one.name}
          </button>
          {one.search === search && (
            <button
              type="button"
              className="plain"
              aria-label={`forget the filter ${one.name}`}
              onClick={() => keep(saved.filter((other) => other !== one))}
            >
              ✕
            </button>
          )}
        </span>
      ))}
      {search !== '' && !saved.some((one) => one.search === search) && (
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault()
            if (name.trim()) keep([...saved.filter((one) => one.name !== name), { name, search }])
            setName('')
          }}
        >
          <input
            aria-label="name for this filter"
            placeholder="Save this filter as…"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          {name && <button type="submit">Save</button>}
        </form>
      )}
    </div>
  )
}

const Bulk = ({
  runs,
  clear,
}: {
  readonly runs: readonly RunSummary[]
  readonly clear: () => void
}) => {
  const [busy, setBusy] = useState(false)
  const [problems, setProblems] = useState<readonly string[]>([])
  const cancellable = runs.filter(({ status }) => isOpen(status))
  const redrivable = runs.filter(({ status }) =>
    ['failed', 'dead_lettered', 'cancelled'].includes(status),
  )
  const all = async (verb: 'cancel' | 'redrive', chosen: readonly RunSummary[]) => {
    setBusy(true)
    const failed: string[] = []
    for (const { id } of chosen)
      await send('POST', `runs/${id}/${verb}`, { reason: 'chosen in the console' }).catch(
        (error: ApiProblem) => failed.push(`${id.slice(-8)}: ${error.message}`),
      )
    setBusy(false)
    setProblems(failed)
    toast(`${chosen.length - failed.length} of ${chosen.length} runs: ${verb} recorded`)
    if (failed.length === 0) clear()
  }
  return (
    <div className="bulk" role="group" aria-label="with the chosen runs">
      <strong>{runs.length} chosen</strong>
      <span className="quiet">
        {redrivable.length} can be redriven, {cancellable.length} cancelled,{' '}
        {runs.length - redrivable.length - cancellable.length} stay as they are
      </span>
      <button
        type="button"
        disabled={busy || redrivable.length === 0}
        onClick={() => void all('redrive', redrivable)}
      >
        Redrive {redrivable.length}
      </button>
      <button
        type="button"
        className="danger"
        disabled={busy || cancellable.length === 0}
        onClick={() => void all('cancel', cancellable)}
      >
        Cancel {cancellable.length}
      </button>
      <button type="button" className="plain" onClick={clear}>
        Clear
      </button>
      {problems.length > 0 && <p role="alert">{problems.join(' · ')}</p>}
    </div>
  )
}

export const Runs = () => {
  const { query, set } = useQuery()
  const path = pathOf(query)
  const result = useApi<RunSummary[]>(path, ofKind('run', 'pipeline'))
  const pipelines = useApi<Pipeline[]>('pipelines', ofKind('release'))
  const { rows, hasMore, load } = useMore(result, path)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const text = query.get('q')?.toLowerCase() ?? ''
  const shown = rows.filter(
    (run) =>
      text === '' ||
      `${run.id} ${run.pipelineId} ${run.why} ${run.error?.type} ${run.error?.message}`
        .toLowerCase()
        .includes(text),
  )
  const status = query.get('status') ?? ''
  return (
    <Page title="Runs">
      <div className="chips" role="group" aria-label="state">
        {choices.map(([value, label]) => (
          <button
            key={value}
            type="button"
            className="chip"
            aria-pressed={status === value}
            onClick={() => set({ status: value }, false)}
          >
            {label}
          </button>
        ))}
      </div>
      <div className="filters">
        <label>
          Search
          <input
            type="search"
            value={query.get('q') ?? ''}
            placeholder="id, cause or error   /"
            onChange={(event) => set({ q: event.target.value })}
          />
        </label>
        <label>
          Pipeline
          <select
            value={query.get('pipeline') ?? ''}
            onChange={(event) => set({ pipeline: event.target.value }, false)}
          >
            <option value="">all</option>
            {pipelines.data?.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <SavedFilters />
      </div>
      <Card>
        <Loaded result={result}>
          {() =>
            shown.length > 0 ? (
              <>
                <RunTable runs={shown} chosen={chosen} onChoose={setChosen} />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="No run is like this">
                {query.size > 0 ? (
                  <button type="button" onClick={() => navigate('/runs')}>
                    Show all runs
                  </button>
                ) : (
                  'A run begins when an input of a pipeline changes, or when you trigger one on its page.'
                )}
              </Empty>
            )
          }
        </Loaded>
      </Card>
      {chosen.size > 0 && (
        <Bulk runs={rows.filter(({ id }) => chosen.has(id))} clear={() => setChosen(new Set())} />
      )}
    </Page>
  )
}
