/**
 * People and outside systems, as the API writes their wishes down: facts on the log, by ids that make a
 * second try the same wish. They see what the model says, wherever a person would look at a read model.
 */
import type { Event } from '@headway/schemas/events.ts'
import { sha256, toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import type { Content, Log, Topic } from '@headway/schemas/ports.ts'
import type { ControlServer } from './control.ts'
import type { LogServer } from './log.ts'
import { isOver, redrivable, type Model, type ModelPipeline, type ModelRun } from './model.ts'
import { bytesOf, token, urlOf } from './outside.ts'
import type { Life } from './process.ts'
import type { Action, Scenario } from './scenario.ts'

const actor = { name: 'somebody' }
const againMs = 500

export class People {
  readonly #scenario: Scenario
  readonly #life: Life
  readonly #log: Log
  readonly #content: Content
  readonly #model: Model
  readonly #servers: { readonly log: LogServer; readonly control: ControlServer }
  readonly #pushed = new Map<string, number>()
  #wishes = 0
  /** Wishes that are not on the log yet. */
  underWay = 0

  constructor(
    scenario: Scenario,
    life: Life,
    doors: { readonly log: Log; readonly content: Content },
    model: Model,
    servers: { readonly log: LogServer; readonly control: ControlServer },
  ) {
    this.#scenario = scenario
    this.#life = life
    this.#log = doors.log
    this.#content = doors.content
    this.#model = model
    this.#servers = servers
  }

  async configure(): Promise<void> {
    for (const asset of this.#scenario.assets)
      await this.#append(asset.tenant, { kind: 'asset', name: asset.key }, (at) => ({
        type: 'AssetDefined',
        v: 1,
        at,
        asset: asset.key,
        definition: {
          kind: 'opaque_bytes',
          strategy: 'content_hash',
          ...(asset.feed
            ? { url: urlOf(asset), cadenceMs: asset.cadenceMs, auth: { type: 'bearer', token } }
            : {}),
        },
      }))
    for (const { tenant, id, definition } of this.#scenario.pipelines)
      await this.#append(tenant, { kind: 'pipeline', name: id }, (at) => ({
        type: 'PipelineDefined',
        v: 1,
        at,
        pipeline: id,
        definition,
      }))
  }

  act({ wish, target }: Action): void {
    void this.#act(wish, target)
  }

  /** What somebody would see to in the end: nothing is paused, asked or pushed half. */
  async tidyUp(): Promise<void> {
    while (this.underWay > 0) await this.#life.clock.sleep(againMs)
    const isPoisoned = this.#scenario.pipelines.some(({ poison }) => poison !== null)
    for (const asset of this.#scenario.assets)
      if (!asset.feed && (isPoisoned || this.#scenario.seed % 2 === 0))
        await this.#push(asset.tenant, asset.key, `${nameOf(asset.key)} last`)
    await this.resumeAll()
    await this.answerAll()
    const { seed } = this.#scenario
    if (seed % 3 === 0 && !isPoisoned)
      for (const pipeline of this.#model.pipelines.values()) await this.#redrive(pipeline, seed / 3)
  }

  /** Somebody lets everything go on. */
  async resumeAll(): Promise<void> {
    for (const pipeline of this.#model.pipelines.values())
      if (pipeline.paused)
        await this.#wish(pipeline, (head) => ({ type: 'PipelineResumed', ...head, actor }))
  }

  /** Somebody answers every question. */
  async answerAll(): Promise<void> {
    for (const run of this.#model.runs.values())
      if (run.status === 'waiting_external') await this.#answer(run)
  }

  async #act(wish: Action['wish'], target: number): Promise<void> {
    const pipelines = [...this.#model.pipelines.values()].filter(({ definition }) => definition)
    const pipeline = pipelines[target % Math.max(1, pipelines.length)]
    if (!pipeline) return
    const runs = [...this.#model.runs.values()].filter(
      (run) => run.pipeline === pipeline.id && run.tenant === pipeline.tenant,
    )
    switch (wish) {
      case 'trigger':
      case 'trigger pinned':
        return this.#trigger(pipeline, wish === 'trigger pinned', target)
      case 'flush':
        return this.#wish(pipeline, (head) => ({ type: 'WindowFlushed', ...head, actor }))
      case 'cancel window':
        return this.#wish(pipeline, (head) => ({ type: 'WindowCancelled', ...head, actor }))
      case 'pause':
        return this.#wish(pipeline, (head) => ({ type: 'PipelinePaused', ...head, actor }))
      case 'resume':
        return this.#wish(pipeline, (head) => ({ type: 'PipelineResumed', ...head, actor }))
      case 'cancel run': {
        const run = runs.filter((one) => !isOver(one)).at(-1)
        if (!run) return
        return this.#wish(pipeline, (head) => ({
          type: 'CancelRequested',
          ...head,
          run: run.id,
          actor,
        }))
      }
      case 'redrive':
        return this.#redrive(pipeline, target)
      case 'answer': {
        const waiting = runs.find(({ status }) => status === 'waiting_external')
        if (waiting) return this.#answer(waiting)
        return this.#complete(pipeline, 'a 2')
      }
      case 'activate': {
        const version = [...pipeline.releases][0]
        if (!version) return
        return this.#append(pipeline.tenant, { kind: 'release', name: pipeline.id }, (at) => ({
          type: 'ReleaseActivated',
          v: 1,
          at,
          pipeline: pipeline.id,
          pipelineVersion: version,
          actor,
        }))
      }
      case 'canary': {
        const version = [...pipeline.releases].at(-1)
        if (!version) return
        const canary = ulidOf(this.#life.clock.now(), 'canary', target)
        return this.#wish(pipeline, (head) => ({
          type: 'CanaryStarted',
          ...head,
          canary,
          pipelineVersion: version,
          runs: 1,
          actor,
        }))
      }
      case 'push':
        return this.#pushSomething(target)
      case 'fetch': {
        const asset = this.#scenario.assets.find(({ feed }) => feed)
        if (!asset) return
        return this.#append(asset.tenant, { kind: 'asset', name: asset.key }, (at) => ({
          type: 'FetchTriggered',
          v: 1,
          at,
          asset: asset.key,
          actor,
        }))
      }
      case 'poison log':
        return this.#servers.log.poison(
          pipeline.tenant,
          { kind: target % 2 === 0 ? 'pipeline' : 'run', name: pipeline.id },
          'not msgpack',
        )
      case 'poison command': {
        const { control } = this.#servers
        const { tenant, id } = pipeline
        const version = pipeline.active.at(-1)?.version
        if (target % 3 === 0) return control.poison('due', tenant, id)
        if (target % 3 === 1) return control.poison('fetch', tenant, 'feed/b')
        if (version) control.poison(`run\n${tenant}\n${id}\n${version}`, tenant, id)
      }
    }
  }

  async #trigger(pipeline: ModelPipeline, isPinned: boolean, target: number): Promise<void> {
    const request = ulidOf(this.#life.clock.now(), 'request', target)
    const [slot, asset] = Object.entries(pipeline.definition!.slots)[0]!
    const first = this.#model.asset(pipeline.tenant, asset).versions[0]?.event
    if (isPinned && !first) return
    const inputs = first && {
      [slot]: {
        asset,
        version: first.version,
        ordinal: first.ordinal,
        digest: first.renditions[0]!.digest,
        sizeBytes: first.sizeBytes,
        kind: first.kind,
      },
    }
    if (target % 3 === 0 && !isPinned) void this.#trigger(pipeline, isPinned, target + 1)
    const isKeyed = target % 2 === 0
    const wish = (head: { v: 1; at: string; pipeline: string }): Event => ({
      type: 'RunTriggered',
      ...head,
      request,
      actor,
      ...(isKeyed ? { key: sha256(request), payload: sha256('') } : {}),
      ...(isPinned && inputs ? { inputs } : {}),
    })
    await this.#wish(pipeline, wish)
    if (!isKeyed) return
    // Nobody answered the asker, who asks again under the same key.
    await this.#life.clock.sleep(target * 5)
    await this.#wish(pipeline, wish)
  }

  async #redrive(pipeline: ModelPipeline, target: number): Promise<void> {
    const dead = [...this.#model.runs.values()].filter(
      (run) =>
        run.pipeline === pipeline.id &&
        run.tenant === pipeline.tenant &&
        redrivable.has(run.status),
    )
    if (dead.length === 0) return
    const redrive = ulidOf(this.#life.clock.now(), 'redrive', target)
    const newest = [...pipeline.releases].at(-1)
    await this.#wish(pipeline, (head) => ({
      type: 'RedriveRequested',
      ...head,
      redrive,
      runs: dead.map(({ id }) => id),
      startOver: target % 2 === 0,
      ...(newest && target % 3 === 0 ? { pipelineVersion: newest } : {}),
      actor,
    }))
  }

  async #answer(run: ModelRun): Promise<void> {
    const pipeline = this.#model.pipeline(run.tenant, run.pipeline)
    for (const question of run.questions)
      await this.#complete(pipeline, question.correlation ?? '', question.interaction)
  }

  #complete(pipeline: ModelPipeline, correlation: string, interaction?: string): Promise<void> {
    return this.#append(pipeline.tenant, { kind: 'interaction', name: pipeline.id }, (at) => ({
      type: 'InteractionCompleted',
      v: 1,
      at,
      pipeline: pipeline.id,
      ...(interaction ? { interaction } : { correlation }),
      response: {},
      actor,
      token: false,
    }))
  }

  async #pushSomething(target: number): Promise<void> {
    const pushed = this.#scenario.assets.filter(({ feed }) => !feed)
    const asset = pushed[target % Math.max(1, pushed.length)]
    if (!asset) return
    const id = `${asset.tenant}/${asset.key}`
    const number = (this.#pushed.get(id) ?? 0) + 1
    this.#pushed.set(id, number)
    await this.#push(asset.tenant, asset.key, `${nameOf(asset.key)} ${number}`)
  }

  async #push(tenant: string, asset: string, content: string): Promise<void> {
    this.underWay++
    const bytes = bytesOf(content)
    const digest = await this.#until(() => this.#content.put(tenant, bytes))
    const push = ulidOf(this.#life.clock.now(), 'push', asset, content)
    await this.#append(tenant, { kind: 'asset', name: asset }, (at) => ({
      type: 'ContentPushed',
      v: 1,
      at,
      asset,
      push,
      digest,
      sizeBytes: bytes.length,
      actor,
    }))
    this.underWay--
  }

  #wish(
    pipeline: ModelPipeline,
    event: (head: { v: 1; at: string; pipeline: string }) => Event,
  ): Promise<void> {
    return this.#append(pipeline.tenant, { kind: 'pipeline', name: pipeline.id }, (at) =>
      event({ v: 1, at, pipeline: pipeline.id }),
    )
  }

  async #append(tenant: string, topic: Topic, event: (at: string) => Event): Promise<void> {
    this.underWay++
    const events = [event(toTimestamp(this.#life.clock.now()))]
    const id = `wish-${++this.#wishes}`
    await this.#until(() => this.#log.append({ tenant, topic, id, events, source: 'people' }))
    this.underWay--
  }

  async #until<T>(what: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await what()
      } catch {
        await this.#life.clock.sleep(againMs)
      }
    }
  }
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
