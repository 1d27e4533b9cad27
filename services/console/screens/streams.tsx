/** The server as it is beside what the code wants of it: streams, their readers, and what is not so. */
import { any, useApi } from '../api/cache.ts'
import { addressOf, type AnswerOf } from '../api/client.ts'
import { useEvery } from '../ui/every.ts'
import { Card, Copy, Empty, Facts, Loaded, Page } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { Table } from '../ui/table.tsx'
import { Ago, bytesOf, durationOf } from '../ui/time.tsx'

type Answer = AnswerOf<'GET /api/v1/streams'>
type Stream = Answer['streams'][number]
type Consumer = Stream['consumers'][number]
type Drift = Consumer['drift'][number]

const everyMs = 2_000
const number = (count: number): string => count.toLocaleString('en')
const limitOf = (value: number | null, text: (value: number) => string): string =>
  value === null ? 'no end' : text(value)
const word = (value: unknown): string =>
  value === null ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value)

/** The options that are others, one below the other. */
const DriftTable = ({ drift }: { readonly drift: readonly Drift[] }) => (
  <Table
    label="options that are not as the code says"
    rows={drift}
    keyOf={({ option }) => option}
    columns={[
      { name: 'Option', cell: ({ option }) => <code>{option}</code> },
      { name: 'On the server', cell: ({ actual }) => <code>{word(actual)}</code> },
      { name: 'In the code', cell: ({ wanted }) => <code>{word(wanted)}</code> },
    ]}
  />
)

const Missing = ({ stream: { name, drift } }: { readonly stream: Stream }) => (
  <div className="notice warn" role="alert">
    <p>
      <strong>
        {drift === null ? `${name} is not there.` : `${name} is not as the code says.`}
      </strong>{' '}
      Restart a room of this version: it makes the stream so, and nothing is lost.
    </p>
  </div>
)

const activity = ({ activeAt }: Consumer) =>
  activeAt === null ? <span className="quiet">not yet</span> : <Ago at={activeAt} />

const Consumers = ({ stream }: { readonly stream: Stream }) => (
  <Table
    label={`who reads ${stream.name}`}
    rows={stream.consumers.toSorted(
      (a, b) => Number(b.durable) - Number(a.durable) || (a.name < b.name ? -1 : 1),
    )}
    keyOf={({ name }) => name}
    columns={[
      {
        name: 'Reader',
        className: 'wide',
        cell: ({ name, durable, filters }) => (
          <span title={filters.join('\n')}>
            <code>{name}</code> {!durable && <span className="quiet">a room that follows</span>}
          </span>
        ),
      },
      { name: 'Waits', className: 'right', cell: ({ pending }) => number(pending) },
      {
        name: 'In hand',
        className: 'right',
        cell: ({ ackPending, ackPendingMax }) =>
          ackPendingMax === null ? number(ackPending) : `${ackPending} of ${number(ackPendingMax)}`,
      },
      {
        name: 'Again',
        className: 'right',
        cell: ({ redelivered }) =>
          redelivered > 0 ? <State of="retrying" word={number(redelivered)} /> : '0',
      },
      { name: 'Asking', className: 'right', cell: ({ asking }) => asking },
      { name: 'At', className: 'right', cell: ({ deliveredSeq }) => number(deliveredSeq) },
      { name: 'Last active', className: 'right', cell: activity },
      {
        name: 'Options',
        cell: ({ durable, drift }) =>
          !durable ? (
            <span className="quiet">–</span>
          ) : drift.length === 0 ? (
            <State of="ok" word="as in the code" />
          ) : (
            <State of="degraded" word={drift.map(({ option }) => option).join(', ')} />
          ),
      },
    ]}
  />
)

const StreamCard = ({ stream }: { readonly stream: Stream }) => {
  const { name, description, drift, limits, consumers } = stream
  const isSo = drift?.length === 0
  return (
    <Card
      title={
        <>
          <code>{name}</code> <span className="quiet about">{description}</span>
        </>
      }
      beside={
        <span className="row">
          <State of={isSo ? 'ok' : 'degraded'} word={isSo ? 'as in the code' : 'drifted'} />
          <Copy text={`nats stream info ${name}`} label="Copy as nats command" />
        </span>
      }
    >
      {!isSo && <Missing stream={stream} />}
      {drift && drift.length > 0 && <DriftTable drift={drift} />}
      <div className="card-body">
        <Facts
          facts={[
            ['Messages', number(stream.messages)],
            ['Bytes', bytesOf(stream.bytes)],
            ['Subjects', number(stream.subjects)],
            ['First', stream.firstAt ? <Ago at={stream.firstAt} /> : 'nothing yet'],
            ['Last', stream.lastAt ? <Ago at={stream.lastAt} /> : 'nothing yet'],
            ['Positions', `${number(stream.firstSeq)} – ${number(stream.lastSeq)}`],
            ['Kept for', limitOf(limits.ageMs, durationOf)],
            ['Kept up to', limitOf(limits.bytes, bytesOf)],
            [
              'On',
              `${stream.storage}, ${stream.replicas === 1 ? 'one copy' : `${stream.replicas} copies`}`,
            ],
          ]}
        />
      </div>
      {consumers.length > 0 && <Consumers stream={stream} />}
    </Card>
  )
}

const Server = ({ answer: { server, streams, status } }: { readonly answer: Answer }) => {
  const readers = streams.flatMap(({ consumers }) => consumers)
  const waits = readers.filter(({ durable }) => durable).reduce((sum, one) => sum + one.pending, 0)
  const { bytes, bytesMax } = server.store
  return (
    <div className="strip">
      <span>
        <State
          of={status}
          word={status === 'ok' ? 'everything is as in the code' : 'something drifted'}
        />
      </span>
      <span>
        nats-server {server.version}, {durationOf(server.roundTripMs)} away
      </span>
      <span>
        {bytesOf(bytes)} on disk{bytesMax === null ? '' : ` of ${bytesOf(bytesMax)}`}
      </span>
      <span>
        {number(waits)} {waits === 1 ? 'command waits' : 'commands wait'}
      </span>
    </div>
  )
}

export const Streams = () => {
  const result = useApi(addressOf('GET /api/v1/streams', {}), any)
  useEvery(everyMs, result.reload)
  return (
    <Page title="Streams" beside={<span>What NATS holds for Headway, and who reads it.</span>}>
      <Loaded result={result}>
        {(answer) => (
          <>
            <Server answer={answer} />
            {answer.streams.length === 0 && <Empty title="There are no streams" />}
            {answer.streams.map((stream) => (
              <StreamCard key={stream.name} stream={stream} />
            ))}
          </>
        )}
      </Loaded>
    </Page>
  )
}
