/** Runs: the filter is the address, a saved filter is a name for one, and what is chosen is done at once. */
import { useState } from 'react'
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { RunSummary } from '../api/types.ts'
import { navigate, useAsOf, useQuery } from '../router.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { RunTable } from '../ui/run-table.tsx'
import { More } from '../ui/table.tsx'
import { Search } from '../ui/search.tsx'
import { Chosen } from './chosen-runs.tsx'

type Status = RunSummary['status']
/** What is in the address, what people read, and which runs they mean. */
const choices: readonly (readonly [string, string, readonly Status[]])[] = [
  ['', 'All', []],
  [
    'open',
    'Under way',
    ['pending', 'running', 'retrying', 'waiting_external', 'waiting_for_worker'],
  ],
  ['bad', 'Failed', ['failed', 'dead_lettered']],
  ['completed', 'Completed', ['completed']],
  ['waiting_external', 'Asking', ['waiting_external']],
  ['cancelled', 'Cancelled', ['cancelled']],
]
const savedKey = 'headway.filters'
type Saved = { readonly name: string; readonly search: string }

const pathOf = (query: URLSearchParams) => {
  const given = (name: string) => query.get(name) || undefined
  const [, , status] = choices.find(([value]) => value === query.get('status')) ?? choices[0]!
  return addressOf('GET /api/v1/runs', {
    query: {
      status,
      pipeline: given('pipeline'),
      version: given('version'),
      since: given('since'),
      q: given('q'),
    },
  })
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

export const Runs = () => {
  const { query, set } = useQuery()
  const path = pathOf(query)
  const result = useApi(path, ofKind('run', 'pipeline'))
  const pipelines = useApi(addressOf('GET /api/v1/pipelines', {}), ofKind('release'))
  const { rows, hasMore, load } = useMore(result, path)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const status = query.get('status') ?? ''
  const isNow = useAsOf() === null
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
        <Search placeholder="id, pipeline, asset or error" />
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
            rows.length > 0 ? (
              <>
                <RunTable runs={rows} {...(isNow ? { chosen, onChoose: setChosen } : {})} />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty
                title={hasMore ? 'None of the newest runs is like this' : 'No run is like this'}
              >
                {hasMore ? (
                  <button type="button" onClick={() => void load()}>
                    Look further back
                  </button>
                ) : query.size > 0 ? (
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
      {isNow && chosen.size > 0 && <Chosen ids={[...chosen]} clear={() => setChosen(new Set())} />}
    </Page>
  )
}
