/**
 * One line per event: what a person wants to know of it. The table is total, so a new event type does
 * not compile until somebody says what is worth telling.
 */
import { formatDuration } from '@headway/schemas/config/units.ts'
import type { SyncWish, VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf, EventType } from '@headway/schemas/events.ts'
import { bytes, span } from './terminal.ts'

type Tell = { readonly [T in EventType]: (event: EventOf<T>) => readonly (string | number)[] }

const digest = (hex: string): string => hex.slice(0, 12)
const refs = (versions: readonly VersionRef[]): string =>
  versions.map(({ asset, ordinal }) => `${asset}#${ordinal}`).join(' ')
/** Attempt 2 of a run is `id/2`; after it was redriven or resumed once, `id/1.2`. */
const run = ({ run: id, epoch, attempt }: { run: string; epoch?: number; attempt: number }) =>
  epoch ? `${id}/${epoch}.${attempt}` : attempt > 1 ? `${id}/${attempt}` : id
const error = ({ type, message }: { type: string; message: string }): string =>
  `${type}: ${message}`
const place = ({ rule, environment }: { rule: string; environment: string }): string =>
  `${rule}/${environment}`
const by = ({ name, reason }: { name: string; reason?: string | undefined }): string =>
  reason ? `by ${name}: ${reason}` : `by ${name}`

const syncOf = ({ sync }: { sync?: SyncWish | undefined }): readonly string[] => [
  ...(sync?.restore ? [`back to ${sync.restore.run ?? digest(sync.restore.commit)}`] : []),
  ...(sync?.sinks ? [`only ${sync.sinks.join(', ')}`] : []),
]

const tell: Tell = {
  AssetDefined: ({ definition: { kind, url, cadenceMs } }) => [
    kind,
    url ?? '',
    cadenceMs ? `every ${formatDuration(cadenceMs)}` : '',
  ],
  AssetRemoved: (e) => [e.reason ?? ''],
  AssetVersioned: (e) => [
    `#${e.ordinal}`,
    bytes(e.sizeBytes),
    `${e.rows} rows`,
    digest(e.contentDigest),
    e.sameAs ? `same as ${e.sameAs}` : '',
  ],
  FetchRefused: (e) => [e.code, e.detail],
  FetchFailed: (e) => [error(e.error)],
  FetchRecovered: () => [],
  ContentPushed: (e) => [bytes(e.sizeBytes), digest(e.digest), by(e.actor)],
  FetchTriggered: (e) => [by(e.actor)],
  PipelineDefined: ({ definition: { folder, pool, slots } }) => [
    folder,
    `pool ${pool}`,
    Object.keys(slots).join(' '),
  ],
  PipelineRemoved: (e) => [e.reason ?? ''],
  RunTriggered: (e) => [
    e.request,
    e.inputs ? `on ${refs(Object.values(e.inputs))}` : '',
    ...syncOf(e),
    by(e.actor),
  ],
  WindowFlushed: (e) => [by(e.actor)],
  WindowCancelled: (e) => [by(e.actor)],
  RunRequested: (e) => [
    e.run,
    e.pipelineVersion,
    e.canary ? `canary of ${e.canary.of}` : e.reason,
    ...syncOf(e),
    refs([...(e.carriedOver ?? []), ...e.triggeredBy]),
  ],
  RunSuperseded: (e) => [e.run, `by ${e.by}`],
  CancelRequested: (e) => [e.run, by(e.actor)],
  PipelinePaused: (e) => [by(e.actor)],
  PipelineResumed: (e) => [by(e.actor)],
  StepDisabled: (e) => [e.step, by(e.actor)],
  StepEnabled: (e) => [e.step, by(e.actor)],
  RedriveRequested: (e) => [
    e.redrive,
    `${e.runs.length} runs`,
    e.pipelineVersion ? `on ${e.pipelineVersion}` : '',
    e.startOver ? 'from the first step' : '',
    by(e.actor),
  ],
  RunRedriven: (e) => [`${e.run}/${e.epoch}`, e.pipelineVersion, by(e.actor)],
  RedriveEnded: (e) => [
    e.redrive,
    e.outcome,
    `${e.redriven} redriven`,
    `${e.passedOver} passed over`,
    `${e.failed} failed`,
  ],
  RunResumed: (e) => [`${e.run}/${e.epoch}`, `${e.interactions.length} answered`],
  CanaryStarted: (e) => [e.canary, e.pipelineVersion, `${e.runs} runs`, by(e.actor)],
  CanaryStopped: (e) => [e.canary, by(e.actor)],
  RunStarted: (e) => [run(e), e.pipelineVersion, `on ${e.worker}`],
  StepSucceeded: (e) => [run(e), e.step, span(e.durationMs), `${e.rowsIn} → ${e.rowsOut} rows`],
  StepFailed: (e) => [run(e), e.step, span(e.durationMs), error(e.error)],
  StepSkipped: (e) => [run(e), e.step, e.reason],
  ArtifactPublished: (e) => [
    run(e),
    e.output,
    `${e.asset}#${e.ordinal}`,
    bytes(e.sizeBytes),
    e.changed ? '' : 'unchanged',
  ],
  StepOutputRecorded: (e) => [run(e), e.step, bytes(e.output.sizeBytes)],
  ArtifactCompared: (e) => [run(e), e.output, e.difference.verdict],
  RunCompleted: (e) => [run(e), span(e.durationMs)],
  RunSuspended: (e) => [
    run(e),
    ...e.questions.map((one) => `${one.step} asks for ${span(one.timeoutMs)}`),
  ],
  RunGivenBack: (e) => [run(e), `by ${e.worker}`],
  RunRetried: (e) => [run(e), `again at ${e.nextAttemptAt}`, error(e.error)],
  RunFailed: (e) => [run(e), span(e.durationMs), error(e.error)],
  RunDeadLettered: (e) => [run(e), span(e.durationMs), error(e.error)],
  RunCancelled: (e) => [run(e), span(e.durationMs), by(e.actor)],
  InteractionCompleted: (e) => [
    e.interaction ?? e.correlation ?? '',
    e.token ? 'with token' : '',
    by(e.actor),
  ],
  CommandRefused: (e) => [e.queue, e.about, e.problem, `${e.deliveries} deliveries`],
  ReleaseRegistered: (e) => [e.pipelineVersion, e.folder, `${e.steps.length} steps`],
  ReleaseActivated: (e) => [e.pipelineVersion, by(e.actor)],
  ReleaseRetired: (e) => [e.pipelineVersion, by(e.actor)],
  WorkerJoined: (e) => [e.worker, e.host, `pid ${e.pid}`, Object.keys(e.pipelines).join(' ')],
  WorkerLeft: (e) => [e.worker, e.reason],
  WorkerDrainRequested: (e) => [e.worker, by(e.actor)],
  WorkerResumeRequested: (e) => [e.worker, by(e.actor)],
  SourceDefined: (e) => [
    e.definition.platform,
    e.definition.url,
    e.definition.webhook?.verify === false ? 'signatures NOT checked' : '',
  ],
  SourceRemoved: () => [],
  PushReceived: (e) => [
    e.event,
    e.repository,
    e.ref,
    e.commit ? digest(e.commit) : '',
    e.task,
    e.dryRun ? 'dry run' : '',
    `by ${e.actor}`,
  ],
  PushResolved: (e) => [
    e.task,
    ...e.targets.map((one) => `${one.rule}/${one.environment} ${one.outcome}`),
    e.reason ?? '',
  ],
  RuleDefined: ({ definition: { source, repositories, sinks } }) => [
    `${source} ${repositories.join(' ')}`,
    `→ ${sinks.join(' ')}`,
  ],
  RuleRemoved: () => [],
  SinkDefined: (e) => [e.definition.type],
  SinkRemoved: () => [],
  SyncPlanned: (e) => [
    place(e),
    e.run,
    e.mode,
    `${e.writes} to write`,
    `${e.deletes} to delete`,
    e.protected > 0 ? `${e.protected} protected` : '',
  ],
  ValuesApplied: (e) => [place(e), e.run, digest(e.commit), `${e.entries.length} keys`],
  SyncConfirmed: (e) => [
    place(e),
    e.run,
    digest(e.commit),
    `${e.written} written`,
    `${e.deleted} deleted`,
    `${e.unchanged} unchanged`,
  ],
  SyncFailed: (e) => [place(e), e.run, error(e.error)],
  DriftFound: (e) => [place(e), `${e.count} keys`, e.keys.slice(0, 5).join(' ')],
  DriftUnknown: (e) => [place(e), error(e.error)],
  DriftEnded: (e) => [place(e)],
  HealRequested: (e) => [place(e), e.run],
  TokenCreated: (e) => [e.token, e.role, `for ${e.holder}`, `until ${e.expiresAt}`, by(e.actor)],
  TokenRevoked: (e) => [e.token, by(e.actor)],
  ProjectionRequested: (e) => [e.projection, e.action, by(e.actor)],
  WorkerLost: (e) => [e.worker, e.lastSeenAt ? `last seen ${e.lastSeenAt}` : ''],
}

/** The telling fields of an event, on one line. */
export const fieldsOf = (event: Event): string => {
  const say = tell[event.type] as (event: Event) => readonly (string | number)[]
  const line = say(event).filter((word) => word !== '')
  return line.join('  ').replaceAll(/\s*[\r\n]\s*/g, ' ')
}

/** Green ends well, red ends badly, yellow waits for somebody or something. */
export const styleOf = (type: EventType): 'green' | 'red' | 'yellow' | null => {
  if (/^(RunCompleted|FetchRecovered|ArtifactPublished|SyncConfirmed|DriftEnded)$/.test(type))
    return 'green'
  if (/(Failed|Refused|Lost|DeadLettered)$/.test(type)) return 'red'
  return /^(RunRetried|RunSuspended|RunCancelled|PipelinePaused|DriftFound|DriftUnknown)$/.test(
    type,
  )
    ? 'yellow'
    : null
}
