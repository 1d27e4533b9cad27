/**
 * How two versions differ: the same content at one look, else by the rows or entities that are others,
 * then what is known of both, and lines where they are text.
 */
import { never, useApi } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { Difference, Version } from '../api/types.ts'
import { Card, Empty, Loaded } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { bytesOf } from '../ui/time.tsx'
import { isText, TextDiff } from './text-diff.tsx'

type Part = Difference['parts'][number]
type Sample = Difference['samples'][number]

const sizeOf = (part: Part, count: number): string =>
  part.unit === 'bytes' ? bytesOf(count) : count.toLocaleString('en')
const Count = ({
  sign,
  of,
  tone,
}: {
  readonly sign: string
  readonly of: number
  readonly tone: string
}) =>
  of === 0 ? (
    <span className="quiet">–</span>
  ) : (
    <span className={tone}>
      {sign}
      {of.toLocaleString('en')}
    </span>
  )
const fieldsOf = ({ fields = {}, columns, problem, change }: Part): string =>
  [
    ...(problem ? [problem] : []),
    ...(change === 'added' || change === 'removed' ? [`the whole part was ${change}`] : []),
    ...(columns?.added.length ? [`new columns ${columns.added.join(', ')}`] : []),
    ...(columns?.removed.length ? [`columns gone ${columns.removed.join(', ')}`] : []),
    ...Object.entries(fields).map(([name, count]) => `${name} ${count.toLocaleString('en')} ×`),
  ].join(', ')

const Parts = ({ parts, partsOmitted = 0 }: Difference) => (
  <>
    <Table
      label="what differs"
      rows={parts}
      keyOf={({ name, unit }) => `${name} ${unit}`}
      columns={[
        { name: 'Part', cell: ({ name }) => <strong>{name}</strong> },
        {
          name: 'Size',
          className: 'right',
          cell: (part) => `${sizeOf(part, part.before)} → ${sizeOf(part, part.after)}`,
        },
        { name: 'In', cell: ({ unit }) => <span className="quiet">{unit}</span> },
        {
          name: 'Added',
          className: 'right',
          cell: ({ added }) => <Count sign="+" of={added} tone="added" />,
        },
        {
          name: 'Removed',
          className: 'right',
          cell: ({ removed }) => <Count sign="−" of={removed} tone="removed" />,
        },
        {
          name: 'Changed',
          className: 'right',
          cell: ({ changed }) => <Count sign="~" of={changed} tone="changed" />,
        },
        {
          name: 'Where',
          className: 'wide',
          cell: (part) => <span className="quiet">{fieldsOf(part)}</span>,
        },
      ]}
    />
    {partsOmitted > 0 && <p className="more quiet">and {partsOmitted} more parts</p>}
  </>
)

const signs = { added: '+', removed: '−', changed: '~' } as const
const Fields = ({ fields = {}, change }: Sample) =>
  Object.entries(fields).map(([name, [before, after]]) => (
    <div key={name} className="field-change">
      <span className="quiet">{name}</span>
      {change !== 'added' && <span className="removed">{before ?? '–'}</span>}
      {change === 'changed' && <span aria-label="becomes">→</span>}
      {change !== 'removed' && <span className="added">{after ?? '–'}</span>}
    </div>
  ))

const Samples = ({ samples }: Difference) => (
  <details className="samples" open={samples.length <= 20}>
    <summary>
      {samples.length === 1 ? 'The one that differs' : `${samples.length} of those that differ`}
    </summary>
    <Table
      label="samples"
      rows={samples.map((sample, i) => [i, sample] as const)}
      keyOf={([i]) => String(i)}
      columns={[
        {
          name: 'Change',
          cell: ([, { change }]) => (
            <span className={change}>
              <span aria-hidden="true">{signs[change]}</span> {change}
            </span>
          ),
        },
        { name: 'Part', cell: ([, { part }]) => part },
        { name: 'Key', cell: ([, { key }]) => <code>{key}</code> },
        {
          name: 'Values',
          className: 'wide',
          cell: ([, sample]) => <Fields {...sample} />,
        },
      ]}
    />
  </details>
)

const ByContent = ({ from, to }: { readonly from: Version; readonly to: Version }) => {
  const result = useApi(
    addressOf('GET /api/v1/assets/{key}/versions/{version}/difference', {
      path: { key: to.asset, version: to.version },
      query: { against: from.version },
    }),
    never,
  )
  return (
    <Loaded result={result}>
      {({ difference }) =>
        difference.parts.length > 0 && (
          <>
            <Parts {...difference} />
            {difference.samples.length > 0 && <Samples {...difference} />}
          </>
        )
      }
    </Loaded>
  )
}

const Known = ({ from, to }: { readonly from: Version; readonly to: Version }) => {
  const names = [...new Set([...Object.keys(from.facts), ...Object.keys(to.facts)])]
  const rows = [
    ['size', bytesOf(from.sizeBytes), bytesOf(to.sizeBytes)] as const,
    ['rows', from.rows, to.rows] as const,
    ...names.map(
      (name) =>
        [name.replaceAll('_', ' '), from.facts[name] ?? '–', to.facts[name] ?? '–'] as const,
    ),
    ['content digest', from.contentDigest.slice(0, 12), to.contentDigest.slice(0, 12)] as const,
  ]
  return (
    <details className="samples">
      <summary>What is known of both</summary>
      <Table
        label="facts of both versions"
        rows={rows}
        keyOf={([name]) => name}
        columns={[
          { name: 'What', cell: ([name]) => name },
          { name: `#${from.ordinal}`, className: 'right', cell: ([, before]) => before },
          {
            name: `#${to.ordinal}`,
            className: 'right',
            cell: ([, before, now]) =>
              before === now ? <span className="quiet">{now}</span> : <strong>{now}</strong>,
          },
          {
            name: 'Change',
            className: 'right',
            cell: ([, before, now]) =>
              typeof before === 'number' && typeof now === 'number' && before !== now ? (
                `${now > before ? '+' : '−'}${Math.abs(now - before).toLocaleString('en')}`
              ) : (
                <span className="quiet">{before === now ? 'same' : 'other'}</span>
              ),
          },
        ]}
      />
    </details>
  )
}

export const VersionDiff = ({ from, to }: { readonly from: Version; readonly to: Version }) => {
  const title = `#${from.ordinal} → #${to.ordinal}`
  if (from.contentDigest === to.contentDigest)
    return (
      <Card title={title} beside={<State of="ok" word="same content" />}>
        <Empty title="The content is the same">
          {from.rawDigest === to.rawDigest
            ? 'Byte for byte.'
            : 'Only its packing is another: order, compression or time stamps.'}
        </Empty>
      </Card>
    )
  const pairs = to.renditions.flatMap((rendition) => {
    const before = from.renditions.find(({ name }) => name === rendition.name)
    return before && isText(rendition) && isText(before) ? [[before, rendition] as const] : []
  })
  return (
    <Card title={title} beside={<State of="trouble" word="different" />}>
      <ByContent key={`${from.version} ${to.version}`} from={from} to={to} />
      <Known from={from} to={to} />
      {pairs.map(([before, now]) => (
        <TextDiff key={now.name} from={before} to={now} />
      ))}
    </Card>
  )
}
