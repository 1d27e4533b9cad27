/**
 * One history: the production rooms in a world that follows from a seed. First everything goes wrong
 * that was drawn; then nothing more does, and everything has to come to its end; then everybody is told
 * to stop and has to.
 */
import { runDebounce } from '@headway/debounce/room.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import { runProjector } from '@headway/projector/room.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { runWorker } from '@headway/worker/room.ts'
import { ControlServer } from './control.ts'
import { controlDoor } from './control-door.ts'
import { checkOutputs, checkReaders, checkTables, unfinished } from './convergence.ts'
import { chaosMs, type Fault, type TimedFault } from './faults.ts'
import { Invariants } from './invariants.ts'
import { logDoor, LogServer } from './log.ts'
import { Violation } from './model.ts'
import { contentOf, simulatedCode, simulatedOutside, type CodeWorld } from './outside.ts'
import { People } from './people.ts'
import { Life, Process, type Server, type Surroundings } from './process.ts'
import { Random } from './random.ts'
import { drawScenario, type Scenario, type ScenarioAsset } from './scenario.ts'
import { Scheduler } from './scheduler.ts'
import {
  contentDoor,
  ContentServer,
  liveDoor,
  LiveServer,
  storeDoor,
  StoreServer,
} from './small-doors.ts'

const beginsAt = Date.parse('2026-01-01T00:00:00.000Z')
const convergeMsMax = 400_000
const quietMs = 2_000
const stopMsMax = 60_000
const commitsMax = 1_500
const restartMs = 300

export type Result = {
  readonly seed: number
  readonly problem: string | null
  readonly hash: number
  readonly steps: number
  readonly commits: number
  /** How often each kind of fault took effect. */
  readonly struck: Readonly<Record<string, number>>
  readonly story: readonly string[]
  readonly faults: readonly Fault[]
}

export const runHistory = (
  seed: number,
  options: {
    readonly faults?: readonly Fault[]
    readonly told?: 'events' | 'effects'
  } = {},
): Result => {
  const drawn = drawScenario(seed)
  const scenario = options.faults ? { ...drawn, faults: options.faults } : drawn
  const history = new History(scenario, options.told ?? null)
  let problem: string | null = null
  try {
    history.run()
  } catch (error) {
    problem = error instanceof Violation ? error.message : `${(error as Error).stack}`
  }
  return { ...history.result(), seed, problem, faults: scenario.faults }
}

class History {
  readonly #scenario: Scenario
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #nats: Server = { name: 'nats', isDown: false }
  readonly #postgres: Server = { name: 'postgres', isDown: false }
  readonly #web: Server = { name: 'web', isDown: false }
  readonly #log: LogServer
  readonly #control: ControlServer
  readonly #content: ContentServer
  readonly #live: LiveServer
  readonly #store: StoreServer
  readonly #invariants: Invariants
  readonly #processes: Process[]
  readonly #people: People
  readonly #code: CodeWorld
  readonly #onBrokerUp = new Map<Life, () => void>()
  readonly #struck: Record<string, number> = {}
  readonly #story: string[] = []
  readonly #isTold: boolean
  #isHealing = false
  #isDirty = true
  #lastAppendAt = 0
  #fell: Violation | null = null

  constructor(scenario: Scenario, told: 'events' | 'effects' | null) {
    const { seed } = scenario
    this.#scenario = scenario
    this.#isTold = told !== null
    this.#scheduler = new Scheduler(beginsAt, seed)
    this.#random = new Random(seed, 4)
    const around: Surroundings = {
      scheduler: this.#scheduler,
      random: this.#random,
      tell: this.#isTold ? (who, what) => this.#tell(who, what) : null,
      isEveryEffectTold: told === 'effects',
      onFault: (kind) => void (this.#struck[kind] = (this.#struck[kind] ?? 0) + 1),
    }
    const { dedupeMs } = scenario
    this.#content = new ContentServer(this.#nats)
    this.#control = new ControlServer(this.#nats, around, dedupeMs)
    this.#live = new LiveServer(this.#nats, around)
    this.#log = new LogServer(this.#nats, around, dedupeMs, (commit) => {
      this.#invariants.onAppend(commit)
      this.#noted(commit)
    })
    this.#invariants = new Invariants({
      commits: this.#log.commits,
      hasBytes: (tenant, digest) => this.#content.get(tenant, digest) !== null,
      isCalm: scenario.faults.length === 0,
    })
    this.#store = new StoreServer(this.#postgres, (from, to) => {
      this.#isDirty = true
      this.#invariants.onRows(from, to)
    })
    this.#code = {
      pipelines: scenario.pipelines,
      versions: new Map(),
      watchers: new Set(),
      mishaps: { fails: 0, kills: 0 },
      onExecute: (...what) => this.#guard(() => this.#invariants.onExecute(...what)),
      isHealing: () => this.#isHealing,
    }
    for (const { definition } of scenario.pipelines)
      this.#code.versions.set(definition.folder, 'a00000000001')
    this.#processes = scenario.processes.map(
      (name) =>
        new Process(
          name,
          around,
          (life) => this.#startRoom(life),
          (how) => this.#onEnded(name, how),
        ),
    )
    const outsiders = new Process(
      'people',
      around,
      () => Promise.resolve(),
      () => {},
    )
    outsiders.isSafe = true
    const life = new Life(outsiders, 0)
    this.#people = new People(
      scenario,
      life,
      { log: logDoor(this.#log, life), content: contentDoor(this.#content, life) },
      this.#invariants.model,
      { log: this.#log, control: this.#control },
    )
  }

  run(): void {
    this.#plan()
    this.#scheduler.run(beginsAt + chaosMs, () => this.#fell !== null)
    this.#heal()
    this.#converge()
    this.#stop()
  }

  result() {
    return {
      hash: this.#scheduler.hash,
      steps: this.#scheduler.steps,
      commits: this.#log.commits.length,
      struck: this.#struck,
      story: this.#story,
    }
  }

  #plan(): void {
    const scheduler = this.#scheduler
    scheduler.after(0, () => void this.#people.configure())
    for (const process of this.#processes)
      scheduler.after(this.#random.between(0, 300), () => process.start())
    for (const action of this.#scenario.actions)
      scheduler.after(action.at, () => {
        this.#tell('people', action.wish)
        this.#people.act(action)
      })
    for (const at of this.#scenario.releases) scheduler.after(at, () => this.#release())
    for (const fault of this.#scenario.faults) {
      if (fault.on === 'moment') scheduler.after(fault.at, () => this.#strike(fault))
      else this.#process(fault.process).faults.set(fault.effect, fault)
    }
  }

  #release(): void {
    this.#tell('people', 'the folders hold new code')
    for (const folder of this.#code.versions.keys()) this.#code.versions.set(folder, 'b00000000002')
    for (const changed of this.#code.watchers) changed()
  }

  #strike(fault: TimedFault): void {
    if (this.#isHealing) return
    this.#tell('fault', `${fault.kind} ${fault.process} (${fault.ms} ms)`)
    this.#struck[fault.kind] = (this.#struck[fault.kind] ?? 0) + 1
    const process = this.#process(fault.process)
    switch (fault.kind) {
      case 'broker restart':
        return this.#restartBroker(fault.ms, false)
      case 'broker power cut':
        return this.#restartBroker(fault.ms, true)
      case 'postgres restart':
        this.#postgres.isDown = true
        return void this.#scheduler.after(fault.ms, () => (this.#postgres.isDown = false))
      case 'clock jump':
        process.skewMs = fault.ms
        return
      case 'silent tail':
        if (process.life) process.life.silentUntil = this.#scheduler.now + fault.ms
        return
      case 'redelivery':
      case 'lease cut':
        return this.#control.redeliver()
      case 'stop':
        return process.life?.stop()
      case 'source fails':
        this.#web.isDown = true
        return void this.#scheduler.after(fault.ms, () => (this.#web.isDown = false))
      case 'step fails':
        this.#code.mishaps.fails++
        return
      case 'step kills':
        this.#code.mishaps.kills++
    }
  }

  #restartBroker(ms: number, isPowerCut: boolean): void {
    if (this.#nats.isDown) return
    this.#nats.isDown = true
    this.#live.forget()
    if (isPowerCut) this.#control.losePower()
    if (isPowerCut) this.#log.losePower()
    this.#scheduler.after(ms, () => this.#brokerUp())
  }

  #brokerUp(): void {
    if (!this.#nats.isDown) return
    this.#nats.isDown = false
    this.#control.comeBack()
    for (const [life, up] of this.#onBrokerUp) if (!life.isDead) up()
  }

  #heal(): void {
    this.#throwFallen()
    this.#isHealing = true
    this.#tell('fault', 'no more of them')
    this.#web.isDown = false
    this.#postgres.isDown = false
    this.#brokerUp()
    for (const process of this.#processes) {
      process.isSafe = true
      process.wake()
    }
    this.#scheduler.after(0, () => void this.#people.tidyUp())
  }

  #converge(): void {
    const until = this.#scheduler.now + convergeMsMax
    let problem: string | null = '[I9] a wish is not on the log'
    const isDone = () => {
      if (this.#fell) return true
      if (!this.#isDirty || this.#people.underWay > 0) return false
      this.#isDirty = false
      problem = this.#unfinished()
      return problem === null
    }
    while (this.#scheduler.now < until) {
      this.#scheduler.run(until, isDone)
      this.#throwFallen()
      if (problem !== null) throw new Violation('I9', `it never ends: ${problem}`)
      // Nothing more comes when nothing more is asked for.
      const since = this.#lastAppendAt
      this.#scheduler.run(this.#scheduler.now + quietMs, () => this.#lastAppendAt > since)
      if (this.#lastAppendAt === since) break
      this.#isDirty = true
    }
    this.#throwFallen()
    if (this.#scheduler.now >= until) throw new Violation('I18', 'it never falls silent')
    const bytes = (tenant: string, digest: string) =>
      contentOf(this.#content.get(tenant, digest) ?? new Uint8Array())
    checkOutputs(this.#invariants.model, bytes)
    checkTables(this.#log.commits, this.#store)
    checkReaders(this.#invariants.model, this.#store)
  }

  #unfinished(): string | null {
    if (this.#store.position?.seq !== this.#log.commits.length)
      return `[I12] the tables are at ${this.#store.position?.seq} of ${this.#log.commits.length}`
    const bytes = (tenant: string, digest: string) =>
      contentOf(this.#content.get(tenant, digest) ?? new Uint8Array())
    return unfinished(this.#invariants.model, this.#scenario, bytes)
  }

  #stop(): void {
    for (const process of this.#processes) {
      process.isRetired = true
      process.life?.stop()
    }
    const running = () => this.#processes.filter(({ life }) => life !== null)
    this.#scheduler.run(this.#scheduler.now + stopMsMax, () => running().length === 0)
    this.#throwFallen()
    const [still] = running()
    if (still) throw new Violation('I16', `${still.name} does not end after SIGTERM`)
  }

  #startRoom(life: Life): Promise<void> {
    const looks = new Looks()
    const control = controlDoor(this.#control, life, {
      onDelivery: ({ tenant, about, command }) => {
        if (command?.type === 'FetchAsset') looks.begin(`${tenant}/${about}`)
      },
      onAck: ({ tenant, about, command }, deliveries) => {
        if (command?.type === 'RunPipeline')
          this.#guard(() => {
            const { request, epoch, priorAttempts } = command
            this.#invariants.onRunAck(request.run, epoch, priorAttempts + deliveries)
          })
        const digest = looks.found(`${tenant}/${about}`)
        if (command?.type === 'FetchAsset' && digest !== null)
          this.#guard(() => this.#invariants.onLookAck(tenant, about, digest))
      },
      onSettled: ({ tenant, about, command }) => {
        if (command?.type === 'FetchAsset') looks.end(`${tenant}/${about}`)
      },
    })
    this.#onBrokerUp.set(life, control.onBrokerUp)
    life.onEnd.push(() => this.#onBrokerUp.delete(life))
    const doors: Doors = {
      log: logDoor(this.#log, life),
      control,
      content: contentDoor(this.#content, life),
      live: liveDoor(this.#live, life),
      clock: life.clock,
      logger: life.logger,
    }
    const { signal } = life
    const [room] = life.process.name.split('-')
    switch (room) {
      case 'fetcher': {
        const watch = {
          onPolled: ({ tenant, key }: ScenarioAsset, content: string) =>
            this.#guard(() => looks.find(`${tenant}/${key}`, sha256(content))),
        }
        const outside = simulatedOutside(life, this.#web, this.#scenario.assets, beginsAt, watch)
        return runFetcher(doors, { outside, signal, tickMs: 10_000 })
      }
      case 'debounce':
        return runDebounce(doors, { signal, tickMs: 4_000 })
      case 'projector':
        return runProjector(doors, storeDoor(this.#store, life), { signal })
      default:
        return runWorker(doors, {
          worker: life.name,
          pool: 'default',
          code: simulatedCode(life, this.#code),
          host: 'simulated',
          pid: life.number,
          signal,
        })
    }
  }

  /** A room that ends without being told has fallen; its supervisor starts it again. */
  #onEnded(name: string, how: 'ended' | Error): void {
    if (how instanceof Error && isSerious(how))
      this.#fell ??= new Violation('I16', `${name} fell: ${how.stack}`)
    const process = this.#process(name)
    this.#scheduler.after(restartMs, () => process.start())
  }

  /** What is found where a room could catch it. */
  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#fell ??= error
    }
  }

  #throwFallen(): void {
    if (this.#fell) throw this.#fell
  }

  #process(name: string): Process {
    return this.#processes.find((process) => process.name === name)!
  }

  #noted(commit: Commit): void {
    this.#isDirty = true
    if (commit.seq > commitsMax) throw new Violation('I18', 'more and more is appended')
    if (commit.topic.kind !== 'worker') this.#lastAppendAt = this.#scheduler.now
    this.#scheduler.note(
      commit.id.length * 31 + (commit.id.charCodeAt(8) | 0) + commit.events.length,
    )
    if (this.#isHealing && commit.events.some(({ type }) => type === 'RunSuspended'))
      this.#scheduler.after(300, () => void this.#people.answerAll())
    if (this.#isHealing && commit.events.some(({ type }) => type === 'PipelinePaused'))
      this.#scheduler.after(300, () => void this.#people.resumeAll())
    if (this.#isTold)
      this.#tell(
        'log',
        `${commit.seq} ${commit.tenant}/${commit.topic.kind}/${commit.topic.name}: ${told(commit)}`,
      )
  }

  #tell(who: string, what: string): void {
    if (!this.#isTold) return
    const at = (this.#scheduler.now - beginsAt).toFixed(1).padStart(9)
    this.#story.push(`${at}  ${who.padEnd(12)} ${what}`)
  }
}

/** What the looks of one fetcher found, where only one is under way. */
class Looks {
  readonly #underWay = new Map<string, { count: number; digest: string | null }>()

  begin(asset: string): void {
    const look = this.#underWay.get(asset)
    if (look) look.count++
    else this.#underWay.set(asset, { count: 1, digest: null })
  }

  find(asset: string, digest: string): void {
    const look = this.#underWay.get(asset)
    if (!look) throw new Violation('I4', `a look at ${asset} goes on after its command is settled`)
    look.digest = digest
  }

  found(asset: string): string | null {
    const look = this.#underWay.get(asset)
    return look?.count === 1 ? look.digest : null
  }

  end(asset: string): void {
    const look = this.#underWay.get(asset)
    if (!look) return
    look.count--
    look.digest = null
    if (look.count === 0) this.#underWay.delete(asset)
  }
}

const told = ({ events, problem }: Commit): string =>
  problem ??
  events
    .map((event) => {
      const {
        type,
        v: _,
        at: __,
        pipeline: ___,
        ...rest
      } = event as { type: string; v: 1; at: string; pipeline?: string }
      return `${type} ${JSON.stringify(rest).slice(0, 160)}`
    })
    .join('; ')

/** Errors that no fault explains. */
const isSerious = (error: Error): boolean => !['Unanswered', 'ServerError'].includes(error.name)
