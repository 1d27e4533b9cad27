/**
 * What is outside the rooms: sources that say what the scenario has them say, and code that runs in no
 * thread.
 */
import type { Outside } from '@headway/fetcher/outside.ts'
import type { Polled } from '@headway/fetcher/sources/source.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Code, Runner } from '@headway/worker/code.ts'
import type { Executed } from '@headway/worker/executor.ts'
import type { Life, Server } from './process.ts'
import type { ScenarioAsset, ScenarioPipeline } from './scenario.ts'

const text = new TextEncoder()
const words = new TextDecoder()
export const bytesOf = (content: string): Uint8Array => text.encode(content)
export const contentOf = (bytes: Uint8Array): string => words.decode(bytes)
/** What sources want to be shown. They are tactless and repeat it in their errors. */
export const token = 'env:SOURCE_TOKEN'
export const secret = 'never-to-be-told'
export const urlOf = ({ tenant, key }: ScenarioAsset): string => `sim://${tenant}/${key}`

export type SourceWatch = { readonly onPolled: (asset: ScenarioAsset, content: string) => void }

export const simulatedOutside = (
  life: Life,
  web: Server,
  assets: readonly ScenarioAsset[],
  startedAt: number,
  watch: SourceWatch,
): Outside => ({
  secret: (ref) =>
    ref === token ? Promise.resolve(secret) : Promise.reject(new Error('there is no such secret')),
  inspect: async (_, bytes) => ({ contentDigest: sha256(bytes), rows: 0, facts: {} }),
  sourceOf: (url) => {
    const asset = assets.find((one) => one.feed && urlOf(one) === url)
    if (!asset?.feed) return null
    const { scheduler } = life.process.around
    return {
      schemes: ['sim'],
      poll: async ({ validators, secret: resolve }) => {
        const shown = await resolve(token)
        return life
          .call(web, 'poll', (): Polled => {
            const said = asset.feed!.findLast(({ at }) => startedAt + at <= scheduler.now)
            if (!said)
              return {
                outcome: 'failed',
                error: { type: 'status', message: `not yet, ${shown}` },
                status: 503,
              }
            const etag = sha256(said.content).slice(0, 8)
            if (validators?.etag === etag) return { outcome: 'unchanged' }
            return { outcome: 'content', bytes: bytesOf(said.content), status: 200, etag }
          })
          .then((polled) => {
            if (polled.outcome === 'content') watch.onPolled(asset, contentOf(polled.bytes))
            return polled
          })
          .catch((): Polled => ({
            outcome: 'failed',
            error: { type: 'timeout', message: 'no answer' },
          }))
      },
    }
  },
})

export type CodeWorld = {
  readonly pipelines: readonly ScenarioPipeline[]
  /** Folder → the version of what it holds now. */
  readonly versions: Map<string, string>
  /** Lives that want to hear of changes. */
  readonly watchers: Set<() => void>
  /** Step failures and deaths that were drawn and have not struck. */
  readonly mishaps: { fails: number; kills: number }
  readonly onExecute: (
    run: string,
    version: string,
    inputs: Readonly<Record<string, string>>,
    isOwnWork: boolean,
  ) => void
  readonly isHealing: () => boolean
}

const stepMsMax = 120
const kind = 'opaque_bytes'
const outputOf = (version: string, inputs: readonly (readonly [string, string])[]): string =>
  `${version} of ${sha256(JSON.stringify(inputs)).slice(0, 24)}`

/** What a pipeline of this version makes of its inputs. */
export const madeOf = (version: string, inputs: Readonly<Record<string, string>>): string =>
  outputOf(
    version,
    Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1)),
  )

export const simulatedCode = (life: Life, world: CodeWorld): Code => {
  const pipelineOf = (folder: string) =>
    world.pipelines.find(({ definition }) => definition.folder === folder)!
  const runnerOf = (folder: string, version: string): Runner => ({
    manifest: async () => manifestOf(pipelineOf(folder)),
    run: (run, execution, limits, tell) =>
      runOnce(life, world, { run, version, pipeline: pipelineOf(folder) }, execution, limits, tell),
    close: () => Promise.resolve(),
  })
  return {
    take: async (folder) => {
      await life.clock.sleep(1)
      const version = world.versions.get(folder)!
      return { version, artifacts: async () => [], open: () => runnerOf(folder, version) }
    },
    find: async (folder, version) => runnerOf(folder, version),
    watch: async (signal, onChange) => {
      const changed = () => life.deliver(onChange)
      world.watchers.add(changed)
      life.onEnd.push(() => world.watchers.delete(changed))
      if (!signal.aborted)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    },
  }
}

const manifestOf = ({ definition }: ScenarioPipeline): Awaited<ReturnType<Runner['manifest']>> => ({
  feedType: 'other',
  inputs: Object.fromEntries(
    Object.keys(definition.slots).map((slot) => [
      slot,
      { kind, optional: slot === 'b' || slot === 'own' },
    ]),
  ),
  outputs: { out: { kind, step: 'make' } },
  steps: [
    { id: 'read', type: 'read', builtin: true },
    { id: 'make', type: 'make', builtin: true },
  ],
  edges: [
    ...Object.keys(definition.slots).map((slot): [string, string] => [`input:${slot}`, 'read']),
    ['read', 'make'],
    ['make', 'output:out'],
  ],
})

type Run = Parameters<Runner['run']>
type What = { readonly run: string; readonly version: string; readonly pipeline: ScenarioPipeline }

const failure = (type: string, message: string, terminal = false): Executed => ({
  outcome: 'failed',
  step: 'make',
  error: { type, message, terminal },
  recorded: [],
})

const runOnce = async (
  life: Life,
  world: CodeWorld,
  { run, version, pipeline }: What,
  execution: Run[1],
  { signal, cancel }: Run[2],
  tell: Run[3],
): Promise<Executed> => {
  const { random } = life.process.around
  const { clock } = life
  const { recorded } = execution
  const digests: Record<string, string> = {}
  const inputs: Record<string, string> = {}
  for (const [slot, { bytes }] of Object.entries(execution.inputs)) {
    digests[slot] = sha256(bytes)
    inputs[slot] = contentOf(bytes)
  }
  const read = madeOf(`read by ${version}`, inputs)
  world.onExecute(run, version, digests, !recorded.read || contentOf(recorded.read.bytes) === read)
  const report = (step: string, index: number, startedAt: number) => ({
    step,
    index,
    startedAt,
    endedAt: clock.now(),
    durationMs: 1,
    rowsIn: 0,
    rowsOut: 0,
    logs: [],
    findings: [],
  })
  const step = async (ms: number) => {
    const either = AbortSignal.any([signal, cancel])
    await clock.sleep(ms, either)
    return either.aborted
  }
  let startedAt = clock.now()
  if (recorded.read) tell({ type: 'skipped', step: 'read', index: 0, reason: 'reused' })
  else {
    if (await step(random.next() * stepMsMax)) return failure('Interrupted', 'told to stop')
    const inline = { step: 'read', kind, bytes: bytesOf(read) } as const
    tell({ type: 'succeeded', report: report('read', 0, startedAt), inline })
  }
  if (pipeline.poison !== null && Object.values(inputs).includes(pipeline.poison)) return dies(life)
  if (!world.isHealing()) {
    if (world.mishaps.kills > 0) {
      world.mishaps.kills--
      return dies(life)
    }
    if (world.mishaps.fails > 0) {
      world.mishaps.fails--
      const failed = failure('Flaky', 'it did not work this time', random.chance(0.4))
      const { error } = failed as Extract<Executed, { outcome: 'failed' }>
      const { rowsOut: _, ...rest } = report('make', 1, startedAt)
      tell({ type: 'failed', report: { ...rest, rowsOut: 0 }, error })
      return failed
    }
  }
  if (pipeline.asks && execution.answers.make === undefined) {
    tell({ type: 'suspended', step: 'make' })
    const question = {
      step: 'make',
      request: {},
      response: { type: 'object' },
      timeoutMs: 20_000,
      correlation: inputs.a ?? 'nothing',
    }
    return { outcome: 'suspended', questions: [question], recorded: [] }
  }
  startedAt = clock.now()
  const isLong = random.chance(0.05)
  if (await step(isLong ? 6_000 : random.next() * stepMsMax))
    return failure('Interrupted', 'told to stop')
  tell({ type: 'succeeded', report: report('make', 1, startedAt) })
  const bytes = bytesOf(madeOf(version, inputs))
  const inspection = { contentDigest: sha256(bytes), rows: 0, facts: {} }
  const renditions = [{ name: 'content.bin', mediaType: 'application/octet-stream', bytes }]
  return { outcome: 'completed', outputs: [{ output: 'out', kind, renditions, inspection }] }
}

/** A step that takes its worker down with it. */
const dies = (life: Life): Promise<never> => {
  if (life.process.life === life) life.process.kill(500)
  return new Promise(() => {})
}
