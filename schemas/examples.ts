/** One event of every kind, as they occur: the golden bytes are made of these, and tests start from them. */
import type { EventOf, EventType } from './events.ts'
import { configTold } from './rules/examples.ts'

const at = '2026-11-21T12:00:00.000Z'
const digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const run = '01M7XYZP2ZR5ZG15R7ZX64S5RC'
const version = '01M7XYZKHWWT5D7ZJQ4F5K404Q'
const asset = 'pims/prod/vehicle_positions'
const output = 'output/st-realtime-production/feed.pb'
const pipeline = 'st-realtime-production'
const pipelineVersion = '6c1ee7739034'
const actor = { name: 'ann@example.org', reason: 'looks wrong' }
const error = { type: 'timeout', message: 'it took longer than 30000 ms' }
const redrive = '01M7XYZV4W8J3C0S4E7H9D2K6Q'
const canary = '01M7XYZW0N5T1R8A2F6G4B7M3X'
const interaction = '01M7XYZX6B2D9P4Q7S1V3Z8K5N'
const worker = { worker: 'production-1a2b3c4d', pool: 'production' }
const rendition = { name: 'feed.pb', mediaType: 'application/x-protobuf', digest, sizeBytes: 975 }
const token = '7k2m9q4x1b5d'
const ref = {
  asset,
  version,
  ordinal: 7,
  digest,
  sizeBytes: 975,
  kind: 'gtfs_rt_protobuf' as const,
}
const attempt = { run, attempt: 1 }
const ended = { ...attempt, durationMs: 30_000 }
const decided = { pipeline, run, epoch: 1, pipelineVersion }
const step = {
  ...attempt,
  step: 'rename_vehicles',
  index: 0,
  startedAt: at,
  endedAt: '2026-11-21T12:00:00.012Z',
  durationMs: 12.345,
  logs: ['11 vehicles renamed'],
  findings: [
    {
      code: 'vehicle_renamed',
      severity: 'info' as const,
      message: 'a vehicle got its prefix',
      subject: { vehicle: '222' },
      count: 11,
    },
  ],
  rowsIn: 11,
}

const told: { readonly [T in EventType]: Omit<EventOf<T>, 'type' | 'v' | 'at'> } = {
  AssetDefined: {
    asset,
    definition: {
      kind: 'gtfs_rt_protobuf',
      strategy: 'timestamp',
      url: 'https://agency.example/vehicle_positions.pb',
      auth: { type: 'header', name: 'X-Api-Key', value: 'env:PIMS_PROD_TOKEN' },
      headers: { Accept: 'application/x-protobuf' },
      cadenceMs: 20_000,
      fullFetchMs: 21_600_000,
      timeoutMs: 30_000,
      sizeBytesMax: 10_000_000,
      redirectsMax: 3,
      rateLimit: { key: 'pims', requests: 60, perMs: 3_600_000 },
      freshnessMs: 120_000,
    },
  },
  AssetRemoved: { asset },
  AssetVersioned: {
    asset,
    version,
    ordinal: 7,
    kind: 'gtfs_rt_protobuf',
    rawDigest: digest,
    contentDigest: digest,
    sizeBytes: 975,
    rows: 11,
    facts: { vehicles: 11, version: '2.0' },
    renditions: [rendition],
    sameAs: '01M7XYZKHWWT5D7ZJQ4F5K4000',
    sourceAt: at,
    etag: '"abc"',
    lastModified: 'Sat, 21 Nov 2026 12:00:00 GMT',
    origin: { by: 'fetch', url: 'https://agency.example/vehicle_positions.pb', status: 200 },
  },
  FetchRefused: {
    asset,
    code: 'html_page',
    detail: 'an HTML page came where a protobuf was expected',
    sizeBytes: 512,
    rawDigest: digest,
  },
  FetchFailed: {
    asset,
    error: { type: 'http_429', message: 'https://agency.example/ answered 429' },
    status: 429,
    notBefore: '2026-11-21T12:01:00.000Z',
  },
  FetchRecovered: { asset },
  ContentPushed: { asset: 'manual/holidays', push: version, digest, sizeBytes: 4_096, actor },
  FetchTriggered: { asset, actor },
  PipelineDefined: {
    pipeline,
    definition: {
      folder: 'st-realtime-production',
      pool: 'production',
      slots: { vehicle_positions: asset },
      debounce: { quietMs: 500, maxWaitMs: 5_000 },
      concurrency: 1,
      retry: { attempts: 3, backoffMs: 1_000, backoffMsMax: 30_000 },
      stepTimeoutMs: 60_000,
      runTimeoutMs: 300_000,
      disabledSteps: ['filter_stops'],
    },
  },
  PipelineRemoved: { pipeline },
  RunTriggered: { pipeline, request: run, actor },
  WindowFlushed: { pipeline, actor },
  WindowCancelled: { pipeline, actor },
  RunSuperseded: { pipeline, run, by: redrive },
  CancelRequested: { pipeline, run, actor },
  PipelinePaused: { pipeline, actor },
  PipelineResumed: { pipeline, actor },
  StepDisabled: { pipeline, step: 'filter_stops', actor },
  StepEnabled: { pipeline, step: 'filter_stops', actor },
  RedriveRequested: {
    pipeline,
    redrive,
    runs: [run],
    pipelineVersion,
    startOver: false,
    perMinute: 60,
    failuresMax: 3,
    actor,
  },
  RunRedriven: { ...decided, redrive, startOver: false, actor },
  RedriveEnded: { pipeline, redrive, outcome: 'done', redriven: 1, passedOver: 0, failed: 0 },
  RunResumed: { ...decided, interactions: [interaction] },
  CanaryStarted: {
    pipeline,
    canary,
    pipelineVersion,
    runs: 20,
    actor,
  },
  CanaryStopped: { pipeline, canary, actor },
  RunRequested: {
    pipeline,
    run,
    pipelineVersion,
    reason: 'triggered',
    inputs: { vehicle_positions: ref },
    triggeredBy: [ref],
    throughSeq: 41,
    windowOpenedAt: at,
    disabledSteps: ['filter_stops'],
  },
  RunStarted: {
    ...attempt,
    pipeline,
    pipelineVersion,
    worker: 'production-1a2b3c4d',
    ownInputs: { previous: { ...ref, asset: output } },
  },
  StepSucceeded: { ...step, rowsOut: 11 },
  StepFailed: { ...step, error },
  StepSkipped: {
    ...attempt,
    step: 'filter_stops',
    index: 1,
    reason: 'disabled',
  },
  ArtifactPublished: {
    ...attempt,
    output: 'feed.pb',
    asset: output,
    version,
    ordinal: 3,
    changed: true,
    sizeBytes: 984,
    renditions: [rendition],
  },
  StepOutputRecorded: {
    ...attempt,
    step: 'rename_vehicles',
    output: { kind: 'gtfs_rt_protobuf', sizeBytes: 975, digest },
  },
  ArtifactCompared: {
    ...attempt,
    output: 'feed.pb',
    baseline: digest,
    candidate: digest,
    renditions: [rendition],
    difference: {
      verdict: 'different',
      parts: [
        {
          name: 'vehicle',
          unit: 'entities',
          change: 'changed',
          before: 11,
          after: 11,
          added: 0,
          removed: 0,
          changed: 1,
        },
      ],
      samples: [
        { part: 'vehicle', key: '222', change: 'changed', fields: { label: ['222', 'A222'] } },
      ],
    },
  },
  RunSuspended: {
    ...attempt,
    pipeline,
    questions: [
      {
        interaction,
        step: 'approve',
        correlation: 'approval-41',
        assignee: 'ann@example.org',
        group: 'operations',
        timeoutMs: 86_400_000,
        request: { question: 'may it be published?' },
        response: {
          type: 'object',
          required: ['approved'],
          properties: { approved: { type: 'boolean' } },
        },
        token: true,
      },
    ],
  },
  RunGivenBack: { ...attempt, pipeline, worker: worker.worker },
  RunCancelled: { ...ended, epoch: 1, pipeline, actor },
  InteractionCompleted: {
    pipeline,
    correlation: 'approval-41',
    response: { approved: true },
    actor,
    token: true,
  },
  CommandRefused: {
    queue: 'run',
    about: pipeline,
    problem: 'neither msgpack nor JSON',
    deliveries: 1,
    sample: 'wQE=',
  },
  RunCompleted: { ...attempt, pipeline, durationMs: 23.5 },
  RunRetried: {
    ...attempt,
    pipeline,
    error,
    nextAttemptAt: '2026-11-21T12:00:01.000Z',
  },
  RunFailed: { ...ended, pipeline, error },
  RunDeadLettered: { ...ended, pipeline, error },
  ReleaseRegistered: {
    pipeline,
    pipelineVersion,
    feedType: 'realtime',
    folder: 'st-realtime-production',
    inputs: { vehicle_positions: { kind: 'gtfs_rt_protobuf', optional: false } },
    outputs: { 'feed.pb': { kind: 'gtfs_rt_protobuf', step: 'rename_vehicles' } },
    steps: [
      { id: 'rename_vehicles', type: 'rename_vehicles', builtin: true, description: 'Renames.' },
    ],
    edges: [
      ['input:vehicle_positions', 'rename_vehicles'],
      ['rename_vehicles', 'output:feed.pb'],
    ],
  },
  ReleaseActivated: { pipeline, pipelineVersion, actor },
  ReleaseRetired: { pipeline, pipelineVersion, actor },
  WorkerJoined: {
    ...worker,
    version: '59e2f4623f30',
    pipelines: { [pipeline]: pipelineVersion },
    capabilities: ['realtime'],
    host: 'box',
    pid: 4_711,
  },
  WorkerLeft: { ...worker, reason: 'stopped' },
  WorkerLost: worker,
  WorkerDrainRequested: { ...worker, actor },
  WorkerResumeRequested: { ...worker, actor },
  TokenCreated: { token, hash: digest, role: 'operator', holder: 'ci', expiresAt: at, actor },
  TokenRevoked: { token, actor },
  ProjectionRequested: { projection: 'tables', action: 'rebuild', actor },
  ...configTold,
}

export const examples = Object.fromEntries(
  Object.entries(told).map(([type, fields]) => [type, { type, v: 1, at, ...fields }]),
) as unknown as { readonly [T in EventType]: EventOf<T> }
