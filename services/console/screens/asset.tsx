/** One asset: is it fresh, what are its versions, what became of each, and how do two of them differ. */
import { never, useApi, useMore, type Concern } from '../api/cache.ts'
import { addressOf, client } from '../api/client.ts'
import type { Asset, Pipeline } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Do } from '../ui/ask.tsx'
import { Card, Empty, Facts, Loaded, Page, Tabs } from '../ui/page.tsx'
import { Ring } from '../ui/ring.tsx'
import { RunTable } from '../ui/run-table.tsx'
import { State } from '../ui/state.tsx'
import { More, Table } from '../ui/table.tsx'
import { Ago, bytesOf, durationOf } from '../ui/time.tsx'
import { freshnessOf, troubleOf } from './assets.tsx'
import { VersionDiff } from './version-diff.tsx'
import { WhyCard } from './why.tsx'

const concernOf =
  (key: string): Concern =>
  ({ kind, name }) =>
    kind === 'asset' && name === key

const LookedAt = ({ asset: { lastCheckedAt, source } }: { readonly asset: Asset }) => (
  <>
    <Ago at={lastCheckedAt} />
    {source?.cadenceMs && `, every ${durationOf(source.cadenceMs)}`}
  </>
)

const Versions = ({ name }: { readonly name: string }) => {
  const { query, set } = useQuery()
  const path = addressOf('GET /api/v1/assets/{key}/versions', {
    path: { key: name },
    query: { limit: 50 },
  })
  const result = useApi(path, concernOf(name))
  const { rows, hasMore, load } = useMore(result, path)
  const chosen = query.get('version')
  const against = query.get('against')
  const here = rows.find(({ version }) => version === chosen)
  const index = here ? rows.indexOf(here) : -1
  const other =
    rows.find(({ version }) => version === against) ?? (index >= 0 ? rows[index + 1] : undefined)
  return (
    <>
      {here && other && <VersionDiff from={other} to={here} />}
      <Card title="Versions" beside={<span className="quiet">choose one to see what changed</span>}>
        <Loaded result={result}>
          {() =>
            rows.length > 0 ? (
              <>
                <Table
                  label="versions"
                  rows={rows}
                  keyOf={({ version }) => version}
                  columns={[
                    {
                      name: 'Version',
                      cell: ({ version, ordinal }) => (
                        <button
                          type="button"
                          className="chip"
                          aria-pressed={version === chosen}
                          onClick={() => set({ version, against: null })}
                        >
                          #{ordinal}
                        </button>
                      ),
                    },
                    {
                      name: 'Compare',
                      cell: ({ version }) =>
                        chosen && version !== chosen ? (
                          <button
                            type="button"
                            className="small"
                            aria-pressed={version === other?.version}
                            onClick={() => set({ against: version })}
                          >
                            {version === other?.version ? '✓ compared' : 'with this'}
                          </button>
                        ) : (
                          <span className="quiet">{version === chosen ? 'chosen' : '–'}</span>
                        ),
                    },
                    { name: 'Recorded', cell: ({ recordedAt }) => <Ago at={recordedAt} /> },
                    {
                      name: 'Rows',
                      className: 'right',
                      cell: (version) => version.rows.toLocaleString('en'),
                    },
                    {
                      name: 'Size',
                      className: 'right',
                      cell: ({ sizeBytes, renditions }) =>
                        renditions[0] ? (
                          <a href={renditions[0].href} download>
                            {bytesOf(sizeBytes)}
                          </a>
                        ) : (
                          bytesOf(sizeBytes)
                        ),
                    },
                    {
                      name: 'Content',
                      cell: ({ contentDigest }) => (
                        <code title={contentDigest}>{contentDigest.slice(0, 10)}</code>
                      ),
                    },
                    {
                      name: 'Origin',
                      cell: ({ origin, runId, seq }) => (
                        <>
                          {runId ? <Link to={paths.run(runId)}>a run</Link> : origin.by}{' '}
                          <Link to={paths.commit(seq)}>event {seq}</Link>
                        </>
                      ),
                    },
                  ]}
                />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="No version yet">
                It gets one when its source answers with something good.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}

const UsedBy = ({
  name,
  pipelines,
}: {
  readonly name: string
  readonly pipelines: readonly Pipeline[]
}) => {
  const users = pipelines.filter(({ definition }) => Object.values(definition.slots).includes(name))
  if (users.length === 0)
    return (
      <Card>
        <Empty title="No pipeline listens to it">
          Bind it to a slot of a pipeline in headway.yaml.
        </Empty>
      </Card>
    )
  return users.map(({ id }) => <UsedByPipeline key={id} id={id} />)
}
const UsedByPipeline = ({ id }: { readonly id: string }) => {
  const runs = useApi(
    addressOf('GET /api/v1/runs', { query: { pipeline: id, limit: 10 } }),
    ({ name }) => name === id,
  )
  return (
    <Card title={<Link to={paths.pipeline(id)}>{id}</Link>} beside={<WindowRing id={id} />}>
      <Loaded result={runs}>{(data) => <RunTable runs={data} hidePipeline />}</Loaded>
    </Card>
  )
}

export const WindowRing = ({ id }: { readonly id: string }) => {
  const { data } = useApi(
    addressOf('GET /api/v1/pipelines/{id}/window', { path: { id } }),
    ({ kind, name }) => kind === 'asset' || name === id,
  )
  if (!data) return null
  return <Ring open={data} />
}

export const AssetScreen = ({ name }: { readonly name: string }) => {
  const result = useApi(
    addressOf('GET /api/v1/assets/{key}', { path: { key: name } }),
    concernOf(name),
  )
  const pipelines = useApi(addressOf('GET /api/v1/pipelines', {}), never)
  const asset = result.data
  return (
    <Page
      back={{ to: '/assets', label: 'Assets' }}
      title={name}
      beside={
        asset && (
          <>
            <State of={freshnessOf(asset)} />
            <span>{asset.kind}</span>
            {asset.latestOrdinal !== null && <span>newest is #{asset.latestOrdinal}</span>}
            <Ago at={asset.latestAt} />
          </>
        )
      }
      actions={
        asset?.source && (
          <Do
            className="primary"
            command={{
              title: 'Look at the source now',
              says: <p>{asset.source.url} is asked once; if it changed, there is a new version.</p>,
              verb: 'Fetch now',
              act: (why) =>
                client.ask('POST /api/v1/assets/{key}/fetch', { path: { key: name }, body: why }),
              done: 'The fetch is asked for',
            }}
          />
        )
      }
    >
      <Loaded result={result}>
        {(data) => (
          <>
            <Card>
              <div className="card-body stack">
                {data.trouble && (
                  <div className="problem">
                    <strong>⚠ {troubleOf(data.trouble.code)}</strong>
                    <p>{data.trouble.detail}</p>
                    <p className="quiet">
                      <code>{data.trouble.code}</code> since <Ago at={data.trouble.since} />; the
                      last good version stays in use
                    </p>
                  </div>
                )}
                <Facts
                  facts={[
                    ['Last good', <Ago key="good" at={data.freshness.goodAt} />],
                    [
                      'May be as old as',
                      data.freshness.limitMs === null
                        ? 'no limit'
                        : durationOf(data.freshness.limitMs),
                    ],
                    ['Looked at', <LookedAt key="looked" asset={data} />],
                    ['New version when', data.versionStrategy.replaceAll('_', ' ') + ' changes'],
                    [
                      'Comes from',
                      data.producer ? (
                        <Link key="from" to={paths.pipeline(data.producer)}>
                          {data.producer}
                        </Link>
                      ) : (
                        (data.source?.url ?? 'pushes')
                      ),
                    ],
                  ]}
                />
              </div>
            </Card>
            <Tabs
              tabs={[
                { id: 'versions', label: 'Versions', body: () => <Versions name={name} /> },
                {
                  id: 'used',
                  label: 'Used by',
                  body: () => <UsedBy name={name} pipelines={pipelines.data ?? []} />,
                },
                {
                  id: 'why',
                  label: 'Why',
                  body: () => (
                    <WhyCard
                      path={addressOf('GET /api/v1/assets/{key}/why', { path: { key: name } })}
                      concern={concernOf(name)}
                    />
                  ),
                },
              ]}
            />
          </>
        )}
      </Loaded>
    </Page>
  )
}
