/** Everything that changes, inputs and outputs alike, and whether it is as fresh as it should be. */
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { Asset } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Now } from '../ui/ask.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { Search } from '../ui/search.tsx'
import { State } from '../ui/state.tsx'
import { More, Table } from '../ui/table.tsx'
import { Ago, bytesOf, durationOf } from '../ui/time.tsx'
import { AddFeed } from './add-feed.tsx'

export const freshnessOf = ({ stale, trouble, cached }: Asset): string =>
  stale ? 'stale' : trouble ? 'trouble' : cached ? 'fresh' : 'empty'

/** `refused:html_page` → `What came was refused: html page`. */
export const troubleOf = (code: string): string => {
  const [what = '', ...why] = code.split(':')
  const said = { refused: 'What came was refused', failed: 'The source did not deliver' }[what]
  return said ? `${said}: ${why.join(':').replaceAll('_', ' ')}` : code.replaceAll('_', ' ')
}

const shows = [
  ['', 'All'],
  ['inputs', 'Inputs'],
  ['outputs', 'Outputs'],
  ['stale', 'Stale'],
  ['trouble', 'In trouble'],
] as const
const fits = (asset: Asset, show: string): boolean =>
  ({
    inputs: asset.producer === null,
    outputs: asset.producer !== null,
    stale: asset.stale,
    trouble: asset.trouble !== null,
  })[show] ?? true

export const Assets = () => {
  const { query, set } = useQuery()
  const q = query.get('q') ?? ''
  const show = query.get('show') ?? ''
  const adds = query.has('add')
  const path = addressOf('GET /api/v1/assets', { query: { q: q || undefined } })
  const result = useApi(path, ofKind('asset'))
  const { rows, hasMore, load } = useMore(result, path)
  const shown = rows
    .filter((asset) => fits(asset, show))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return (
    <Page
      title="Assets"
      beside={<span>Feeds that are watched, and what pipelines make of them.</span>}
      actions={
        <button type="button" aria-expanded={adds} onClick={() => set({ add: adds ? null : '1' })}>
          + Add a feed
        </button>
      }
    >
      {adds && (
        <Now>
          <AddFeed onDone={() => set({ add: null })} />
        </Now>
      )}
      <div className="chips" role="group" aria-label="which">
        {shows.map(([value, label]) => (
          <button
            key={value}
            type="button"
            className="chip"
            aria-pressed={show === value}
            onClick={() => set({ show: value }, false)}
          >
            {label}
          </button>
        ))}
      </div>
      <div className="filters">
        <Search placeholder="part of the key" />
      </div>
      <Card>
        <Loaded result={result}>
          {() =>
            shown.length > 0 ? (
              <>
                <Table
                  label="assets"
                  rows={shown}
                  keyOf={({ key }) => key}
                  to={({ key }) => paths.asset(key)}
                  columns={[
                    { name: 'State', cell: (asset) => <State of={freshnessOf(asset)} /> },
                    {
                      name: 'Asset',
                      cell: ({ key }) => (
                        <Link className="strong" to={paths.asset(key)}>
                          {key}
                        </Link>
                      ),
                    },
                    {
                      name: 'Newest',
                      className: 'right',
                      cell: ({ latestOrdinal }) =>
                        latestOrdinal === null ? '–' : `#${latestOrdinal}`,
                    },
                    {
                      name: 'Changed',
                      className: 'right',
                      cell: ({ latestAt }) => <Ago at={latestAt} />,
                    },
                    {
                      name: 'Size',
                      className: 'right',
                      cell: ({ latestSizeBytes }) =>
                        latestSizeBytes === null ? '–' : bytesOf(latestSizeBytes),
                    },
                    {
                      name: 'Comes from',
                      cell: ({ producer, source }) =>
                        producer ? (
                          <Link to={paths.pipeline(producer)}>{producer}</Link>
                        ) : source ? (
                          <span className="quiet nowrap">
                            fetched
                            {source.cadenceMs === null
                              ? ''
                              : ` every ${durationOf(source.cadenceMs)}`}
                          </span>
                        ) : (
                          <span className="quiet">pushed</span>
                        ),
                    },
                    {
                      name: 'Trouble',
                      className: 'wide',
                      cell: ({ trouble }) =>
                        trouble ? (
                          `${troubleOf(trouble.code)}. ${trouble.detail?.slice(0, 80) ?? ''}`
                        ) : (
                          <span className="quiet">none</span>
                        ),
                    },
                  ]}
                />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="No asset is like this">
                <Link to="/assets">Show all assets</Link>, or{' '}
                <Link to="/assets?add=1">add a feed</Link>
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
