/** Who asked for what, when and why: a view of the log. */
import { any, useApi, useMore } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { RowOf } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { More, Table } from '../ui/table.tsx'
import { Ago } from '../ui/time.tsx'

type Entry = RowOf<'GET /api/v1/audit'>

const spans = [
  ['', 'any time'],
  ['1h', 'the last hour'],
  ['1d', 'the last day'],
  ['7d', 'the last week'],
  ['30d', 'the last month'],
] as const
const kinds = [
  'pipeline',
  'run',
  'asset',
  'worker',
  'source',
  'rule',
  'token',
  'projection',
] as const

/** `WindowFlushed` as people say it. */
const saidOf = (type: string): string =>
  type.replaceAll(/(?<=.)[A-Z]/g, (one) => ` ${one.toLowerCase()}`)

const placeOf = ({ kind, name }: Entry['about']): string | null => {
  if (kind === 'pipeline') return paths.pipeline(name)
  if (kind === 'run') return paths.run(name)
  if (kind === 'asset') return paths.asset(name)
  return kind === 'worker' ? '/workers?all=true' : null
}

const About = ({ of: { about } }: { readonly of: Entry }) => {
  const place = placeOf(about)
  return (
    <span>
      <span className="quiet">{about.kind === 'other' ? '' : about.kind}</span>{' '}
      {place === null ? about.name : <Link to={place}>{about.name}</Link>}
    </span>
  )
}

/** What was asked for exactly, without what the other columns tell. */
const detailOf = ({ fields, about }: Entry): string =>
  Object.entries(fields)
    .filter(
      ([name, value]) =>
        name !== about.kind && name !== 'key' && name !== 'payload' && value !== null,
    )
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
    .slice(0, 160)

const Filters = () => {
  const { query, set } = useQuery()
  const text = (name: string, label: string, placeholder: string) => (
    <label>
      {label}
      <input
        type={name === 'actor' ? 'search' : 'text'}
        placeholder={placeholder}
        key={query.get(name) ?? ''}
        defaultValue={query.get(name) ?? ''}
        maxLength={200}
        onBlur={({ target }) => set({ [name]: target.value.trim() })}
        onKeyDown={({ key, currentTarget }) =>
          key === 'Enter' && set({ [name]: currentTarget.value.trim() })
        }
      />
    </label>
  )
  return (
    <div className="filters">
      {text('actor', 'Who', 'name   /')}
      {text('type', 'Did what', 'PipelinePaused')}
      <label>
        To what
        <select
          value={query.get('kind') ?? ''}
          onChange={({ target }) => set({ kind: target.value })}
        >
          <option value="">anything</option>
          {kinds.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
      </label>
      {text('about', 'Named', 'orders')}
      <label>
        When
        <select
          value={query.get('since') ?? ''}
          onChange={({ target }) => set({ since: target.value })}
        >
          {spans.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

const Entries = ({ rows }: { readonly rows: readonly Entry[] }) => (
  <Table
    label="who did what"
    rows={rows}
    keyOf={({ seq, index }) => `${seq}.${index}`}
    to={({ seq }) => paths.commit(seq)}
    columns={[
      { name: 'When', className: 'nowrap', cell: ({ at }) => <Ago at={at} /> },
      {
        name: 'Who',
        cell: ({ actor }) => (
          <Link to={`/audit?actor=${encodeURIComponent(actor.name)}`} className="strong">
            {actor.name}
          </Link>
        ),
      },
      { name: 'Did what', cell: ({ type }) => <span title={type}>{saidOf(type)}</span> },
      { name: 'To what', cell: (entry) => <About of={entry} /> },
      {
        name: 'Why',
        className: 'wide',
        cell: (entry) => (
          <>
            {entry.actor.reason ?? <span className="quiet">no reason was given</span>}
            <div className="quiet small-text">{detailOf(entry)}</div>
          </>
        ),
      },
      {
        name: 'Event',
        className: 'right',
        cell: ({ seq }) => <Link to={paths.commit(seq)}>event {seq}</Link>,
      },
    ]}
  />
)

export const Audit = () => {
  const { query } = useQuery()
  const asked = (name: string) => query.get(name) ?? undefined
  const type = asked('type')
  const address = addressOf('GET /api/v1/audit', {
    query: {
      actor: asked('actor'),
      kind: asked('kind'),
      about: asked('about'),
      since: asked('since'),
      type: type === undefined ? undefined : [type],
    },
  })
  const result = useApi(address, any)
  const { rows, hasMore, load } = useMore(result, address)
  return (
    <Page title="Audit" beside={<span>Who did what, when and why: a view of the log.</span>}>
      <Filters />
      <Card>
        <Loaded result={result}>
          {() =>
            rows.length > 0 ? (
              <>
                <Entries rows={rows} />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="Nobody did anything like this">
                What people and programs ask for is kept here, with their reason.{' '}
                <Link to="/audit">Show everything</Link>
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
