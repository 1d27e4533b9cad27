/** The copy of the tables that is built beside the live ones, compared with them and swapped in. */
import { client, type AnswerOf } from '../api/client.ts'
import { Do, type Command } from '../ui/ask.tsx'
import { Card, Empty, Facts } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago, bytesOf, durationOf } from '../ui/time.tsx'

export type Projections = AnswerOf<'GET /api/v1/projections'>
type Work = NonNullable<Projections['work']>
type Comparison = NonNullable<Work['comparison']>
type Difference = Comparison['differences'][number]

const number = (count: number): string => count.toLocaleString('en')
const rows = (count: number): string => `${number(count)} ${count === 1 ? 'row' : 'rows'}`

const commands = {
  rebuild: {
    title: 'Build a copy of the tables',
    says: (
      <p>
        The log is read from its first event into new tables beside the live ones. Nothing waits for
        it and nobody sees it until it is swapped in.
      </p>
    ),
    verb: 'Build a copy',
    act: (body) => client.ask('POST /api/v1/projections/rebuild', { body }),
    done: 'The copy is being built',
  },
  compare: {
    title: 'Compare the copy with the live tables',
    says: <p>Both are brought to the same place in the log and compared row for row.</p>,
    verb: 'Compare',
    act: (body) => client.ask('POST /api/v1/projections/compare', { body }),
    done: 'They are being compared',
  },
  swap: {
    title: 'Swap the copy in',
    says: (
      <p>
        The copy catches up with the log and takes the place of the live tables in one step. Readers
        see the old rows or the new ones, never both.
      </p>
    ),
    verb: 'Swap it in',
    act: (body) => client.ask('POST /api/v1/projections/swap', { body }),
    done: 'The copy is being swapped in',
  },
  drop: {
    title: 'Throw the copy away',
    says: <p>The live tables stay as they are; the room on disk is free again.</p>,
    verb: 'Throw away',
    act: (body) => client.ask('POST /api/v1/projections/drop', { body }),
    done: 'The copy is gone',
  },
} as const satisfies Record<string, Command>

const phases: Readonly<Record<string, string>> = {
  replay: 'Reading the log',
  index: 'Making keys and indexes',
  'catch up': 'Catching up with what came meanwhile',
  compare: 'Comparing, table by table',
  swap: 'Swapping',
  done: 'Done',
}

const Progress = ({ work }: { readonly work: Work }) => {
  const { action, phase, done, total, eventsPerSecond, etaMs } = work
  const share = total === 0 ? 0 : Math.min(1, done / total)
  const name = phases[phase] ?? phase
  return (
    <div className="progress-of">
      <div className="row spread">
        <strong>{name}</strong>
        <span className="number">{Math.round(share * 100)} %</span>
      </div>
      <progress value={done} max={Math.max(1, total)} aria-label={name} />
      <div className="row spread quiet number">
        <span>
          {number(done)} of {number(total)} {phase === 'compare' ? 'tables' : 'commits'}
        </span>
        {action === 'rebuild' && eventsPerSecond > 0 && (
          <span>
            {number(eventsPerSecond)} events/s{etaMs === null ? '' : `, ${durationOf(etaMs)} left`}
          </span>
        )}
      </div>
    </div>
  )
}

const ended: Readonly<Record<Work['action'], string>> = {
  rebuild: 'The copy was built',
  compare: 'The copy was compared',
  swap: 'The copy was swapped in',
  drop: 'The copy was thrown away',
}

const Outcome = ({ work }: { readonly work: Work }) => (
  <p className="quiet">
    {work.status === 'failed'
      ? `${ended[work.action].replace('was', 'was not')}: `
      : ended[work.action]}
    {work.status === 'failed' && <strong>{work.problem} </strong>} <Ago at={work.toldAt} /> by{' '}
    {work.by.name}
    {work.by.reason ? `: ${work.by.reason}` : ''}
  </p>
)

type Cell = Difference & { readonly column: Difference['columns'][number] | null }
const cellsOf = (difference: Difference): readonly Cell[] =>
  difference.in === 'both'
    ? difference.columns.map((column) => ({ ...difference, column }))
    : [{ ...difference, column: null }]

const Differences = ({ differences }: { readonly differences: readonly Difference[] }) => (
  <Table
    label="rows that differ"
    rows={differences.flatMap(cellsOf)}
    keyOf={({ table, key, column }) => `${table} ${key} ${column?.name}`}
    columns={[
      { name: 'Table', cell: ({ table }) => <code>{table}</code> },
      { name: 'Row', cell: ({ key }) => <code>{key}</code> },
      { name: 'Column', cell: ({ column }) => (column ? <code>{column.name}</code> : 'all') },
      {
        name: 'Live',
        cell: ({ column, in: where }) =>
          column ? <code>{column.live}</code> : where === 'live' ? 'is there' : 'is missing',
      },
      {
        name: 'By the log',
        cell: ({ column, in: where }) =>
          column ? <code>{column.copy}</code> : where === 'copy' ? 'is there' : 'is missing',
      },
    ]}
  />
)

const Compared = ({ comparison }: { readonly comparison: Comparison }) => {
  const { equal, tables, rows: count, seq, differing } = comparison
  const told = Object.entries(differing).map(([table, n]) =>
    n === null ? `${table} has other columns` : `${table} ${rows(n)}`,
  )
  return (
    <p>
      <State of={equal ? 'ok' : 'degraded'} word={equal ? 'equal' : 'different'} />{' '}
      {equal
        ? `${tables} tables, ${rows(count)}, the same in both at event ${number(seq)}`
        : `at event ${number(seq)}: ${told.join(', ')}`}
    </p>
  )
}

export const ProjectionCopy = ({
  answer: { copy, work, build },
}: {
  readonly answer: Projections
}) => {
  const isBusy = work?.status === 'running'
  const comparison = copy ? work?.comparison : undefined
  return (
    <Card
      title="Copy"
      beside={
        <span className="row">
          {!isBusy && copy && (
            <>
              <Do className="small" command={commands.drop}>
                Throw away
              </Do>
              {copy.usable && (
                <Do className={`small ${comparison ? '' : 'primary'}`} command={commands.compare} />
              )}
              {copy.usable && (
                <Do className={`small ${comparison ? 'primary' : ''}`} command={commands.swap} />
              )}
            </>
          )}
          {!isBusy && (
            <Do className={copy ? 'small' : 'small primary'} command={commands.rebuild}>
              {copy ? 'Build anew' : 'Build a copy'}
            </Do>
          )}
        </span>
      }
    >
      <div className="card-body stack">
        {isBusy && <Progress work={work} />}
        {!isBusy && copy && (
          <Facts
            facts={[
              ['It is at event', number(copy.seq)],
              ['Behind the log', number(copy.lag)],
              ['Size', bytesOf(copy.bytes)],
            ]}
          />
        )}
        {!isBusy && copy && !copy.usable && (
          <p>
            <State of="stale" word="of no use" /> It has other read models: build it anew.
          </p>
        )}
        {!isBusy && comparison && <Compared comparison={comparison} />}
        {!isBusy && work && <Outcome work={work} />}
        {!isBusy && !copy && !work && (
          <Empty title="There is no copy">
            Build one to prove that the tables equal the log, or to put them right: it is compared
            with the live tables before you swap. They were made anew {build}{' '}
            {build === 1 ? 'time' : 'times'} so far.
          </Empty>
        )}
      </div>
      {!isBusy && comparison && comparison.differences.length > 0 && (
        <Differences differences={comparison.differences} />
      )}
    </Card>
  )
}
