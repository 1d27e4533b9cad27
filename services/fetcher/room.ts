/**
 * The fetcher room: looks at sources when JetStream says so and puts what it finds on the log.
 *
 * A cadence is a schedule in the server, one for the ordinary look and one for the full look without
 * validators; each fires a command that one of any number of fetchers takes. What a fetcher must know
 * of an asset (definition, newest version, present trouble) it folds from the log, and it catches up
 * with it before each look, because the command may have been sent by one that was faster.
 *
 * Whatever the log asks of the fetchers (schedule, look now, take a push) all of them do, in the log's
 * order for each asset, and again until it is done; ids and expected sequences keep one result. The
 * schedules are not of record: a slow tick makes sure of those of assets that nobody looked at lately.
 */
import { setMaxListeners } from 'node:events'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Delivery } from '@headway/schemas/ports.ts'
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { Doors } from '@headway/streams/room.ts'
import { takeCommands } from '@headway/streams/take.ts'
import { found } from './arrival.ts'
import { Assets, type Asset } from './assets.ts'
import { look, lookedAfter, tellLook, tellScheduled, type LookDoors } from './look.ts'
import type { Outside } from './outside.ts'
import { Pushes } from './pushes.ts'

const concurrency = 32
const fullFetchMsDefault = 6 * 3_600_000
const tickMsDefault = 30_000
/** A look that must follow the one under way comes back after this. */
const followMs = 500
/** A look that could not be finished for our own reasons is done again after this. */
const againMs = 2_000
const pauseMsMin = 200
const pauseMsMax = 10_000

export type FetcherOptions = {
  readonly outside: Outside
  readonly signal: AbortSignal
  /** How often to look for assets that nobody looks after. */
  readonly tickMs?: number
}

export const runFetcher = async (
  doors: Doors,
  { outside, signal, tickMs = tickMsDefault }: FetcherOptions,
): Promise<void> => {
  // Every look and every inspection under way listens to it.
  setMaxListeners(0, signal)
  const assets = new Assets(doors, signal)
  const room = new FetcherRoom({ ...doors, outside }, assets, signal)
  const rooms = [room.follow(), room.takeFetches(), room.lookForLosses(tickMs)]
  const { git } = outside
  if (git) rooms.push(new Pushes({ ...doors, outside, git }, assets, signal).run(tickMs))
  await Promise.all(rooms)
}

class FetcherRoom {
  readonly #doors: LookDoors
  readonly #signal: AbortSignal
  readonly #assets: Assets
  /** Assets that are being looked at → the newest wish that this look fulfils. */
  readonly #busy = new Map<Asset, number>()
  /** The last work of each asset and sort; the next one waits for it. */
  readonly #work = new Map<string, Promise<void>>()
  #caughtUp = false

  constructor(doors: LookDoors, assets: Assets, signal: AbortSignal) {
    this.#doors = doors
    this.#signal = signal
    this.#assets = assets
  }

  async follow(): Promise<void> {
    const { log } = this.#doors
    const head = await log.head(['asset'])
    this.#caughtUp = head.seq === 0
    for await (const commits of log.tail({ from: 1, kinds: ['asset'], signal: this.#signal })) {
      this.#assets.apply(commits)
      if (this.#caughtUp) {
        for (const { tenant, topic, events, seq } of commits)
          this.#react(this.#assets.of(tenant, topic.name), events, seq)
      } else if (commits.at(-1)!.seq >= head.seq) {
        this.#caughtUp = true
        for (const asset of this.#assets.all()) this.#settle(asset)
      }
    }
    await Promise.allSettled(this.#work.values())
  }

  async takeFetches(): Promise<void> {
    await takeCommands<'FetchAsset'>(
      this.#doors,
      { kind: 'fetch' },
      { concurrency, signal: this.#signal, source: 'fetcher', renewsLease: true },
      (command, delivery) => this.#fetch(command, delivery),
    )
  }

  async lookForLosses(tickMs: number): Promise<void> {
    const { clock, logger } = this.#doors
    while (!this.#signal.aborted) {
      await clock.sleep(tickMs, this.#signal)
      if (!this.#caughtUp || this.#signal.aborted) continue
      const isLookedAfter = await lookedAfter(this.#doors).catch((error: unknown) => {
        logger.warn({ error: String(error) }, 'who was looked after is not known')
        return () => false
      })
      for (const asset of this.#assets.all()) {
        const { url, cadenceMs } = asset.state.definition ?? {}
        if (url && cadenceMs && !isLookedAfter(asset)) this.#schedule(asset)
      }
    }
  }

  /** What a new fact about an asset asks of the fetchers. */
  #react(asset: Asset, events: readonly Event[], seq: number): void {
    for (const event of events) {
      if (event.type === 'AssetDefined' || event.type === 'AssetRemoved') this.#schedule(asset)
      if (event.type === 'AssetDefined' || event.type === 'FetchTriggered') this.#ask(asset, seq)
      if (event.type === 'AssetDefined') this.#takePushes(asset)
      if (event.type === 'ContentPushed') this.#takePushes(asset)
    }
  }

  /** What is owed to an asset when this fetcher has caught up. */
  #settle(asset: Asset): void {
    const { definition, latest, askedSeq, topicSeq } = asset.state
    if (!definition) return
    this.#schedule(asset)
    if (!latest || askedSeq === topicSeq) this.#ask(asset, askedSeq)
    this.#takePushes(asset)
  }

  #ask(asset: Asset, seq: number): void {
    if (!asset.state.definition?.url) return
    const { tenant, key } = asset
    // Somebody wants to know: a 304 may be what they doubt.
    const command = { type: 'FetchAsset' as const, asset: key, full: true }
    this.#do(asset, 'ask', () => this.#doors.control.send(tenant, command, `fetch-${key}-${seq}`))
  }

  #schedule(asset: Asset): void {
    this.#do(asset, 'schedule', async () => {
      const { control } = this.#doors
      const { tenant, key, state } = asset
      const cadence = { kind: 'fetch' as const, tenant, asset: key }
      const full = { kind: 'fetch-full' as const, tenant, asset: key }
      const { url, cadenceMs, fullFetchMs = fullFetchMsDefault } = state.definition ?? {}
      if (!url || !cadenceMs) {
        await Promise.all([control.disarm(cadence), control.disarm(full)])
        return
      }
      const command = { type: 'FetchAsset' as const, asset: key }
      await control.repeat(cadence, cadenceMs, { ...command, full: false })
      await control.repeat(full, Math.max(fullFetchMs, cadenceMs), { ...command, full: true })
      await tellScheduled(this.#doors, asset).catch(() => {})
    })
  }

  /** Does what the log asks for, after what it asked for before, and until it is done. */
  #do(asset: Asset, sort: 'ask' | 'schedule' | 'push', work: () => Promise<void>): void {
    const { clock, logger } = this.#doors
    const id = `${sort}\n${asset.tenant}\n${asset.key}`
    const before = this.#work.get(id) ?? Promise.resolve()
    const done = before.then(async () => {
      for (let pauseMs = pauseMsMin; !this.#signal.aborted;) {
        try {
          await work()
          break
        } catch (error) {
          if (this.#signal.aborted) break
          logger.warn({ asset: asset.key, error: String(error) }, `${sort} failed; done again`)
          await clock.sleep(pauseMs, this.#signal)
          pauseMs = Math.min(pauseMs * 2, pauseMsMax)
        }
      }
      if (this.#work.get(id) === done) this.#work.delete(id)
    })
    this.#work.set(id, done)
  }

  async #fetch(command: CommandOf<'FetchAsset'>, delivery: Delivery): Promise<void> {
    const asset = this.#assets.of(delivery.tenant, command.asset)
    try {
      await this.#assets.catchUp(asset)
      const retryMs = await this.#lookOnce(asset, command.full)
      if (retryMs === null) delivery.ack()
      else delivery.retry(retryMs)
    } catch (error) {
      if (this.#signal.aborted) return delivery.retry(0)
      this.#doors.logger.warn({ asset: asset.key, error: String(error) }, 'a look is done again')
      delivery.retry(againMs)
    }
  }

  /** Null when the command is done; otherwise when it should come again. */
  async #lookOnce(asset: Asset, full: boolean): Promise<number | null> {
    const { state } = asset
    const wishUnderWay = this.#busy.get(asset)
    if (this.#signal.aborted) return 0
    // The next look is scheduled already; only a full one and a new wish are not fulfilled by this one.
    if (wishUnderWay !== undefined) return full || wishUnderWay < state.askedSeq ? followMs : null
    this.#busy.set(asset, state.askedSeq)
    try {
      return await this.#look(asset, full)
    } finally {
      this.#busy.delete(asset)
    }
  }

  async #look(asset: Asset, full: boolean): Promise<number | null> {
    const { clock, logger } = this.#doors
    const { state } = asset
    const looked = await look(this.#doors, asset, { full, signal: this.#signal })
    if (looked.type === 'later') {
      const waitMs = Math.max(0, looked.at - clock.now())
      // The next ordinary look comes by itself; waiting ones would fill the queue.
      return !full && waitMs >= (state.definition?.cadenceMs ?? Infinity) ? null : waitMs
    }
    if (looked.type === 'nothing') {
      this.#schedule(asset)
      return null
    }
    const { arrival } = looked.found
    const isRecorded = await this.#assets.record(
      asset,
      looked.found,
      ({ definedSeq, latest }) =>
        definedSeq !== state.definedSeq || latest?.version !== state.latest?.version,
    )
    if (!isRecorded) return 0
    const { latest } = asset.state
    if (arrival.type === 'Content' && latest?.contentDigest === arrival.inspection.contentDigest)
      asset.rewrapped = { latest, definedSeq: state.definedSeq, validators: looked.validators }
    await tellLook(this.#doors, asset, state, looked.found).catch((error: unknown) => {
      logger.warn({ asset: asset.key, error: String(error) }, 'the last look is not told')
    })
    return null
  }

  /** Answers the pushes of an asset in their order. */
  #takePushes(asset: Asset): void {
    this.#do(asset, 'push', async () => {
      while (asset.state.definition && !this.#signal.aborted) {
        const [push] = asset.state.pushes
        if (!push) return
        await this.#takePush(asset, push)
      }
    })
  }

  async #takePush(asset: Asset, { push, digest, actor }: EventOf<'ContentPushed'>): Promise<void> {
    const { content, clock, outside } = this.#doors
    const { definition, definedSeq } = asset.state
    const bytes = await content.get(asset.tenant, digest)
    if (!bytes) throw new Error(`the pushed bytes ${digest} are gone`)
    const came = {
      asset: asset.key,
      now: clock.now(),
      origin: { by: 'push' as const, push, actor },
    }
    const arrived = await found(outside, definition!.kind, bytes, came, this.#signal)
    await this.#assets.record(asset, arrived, (state) => state.definedSeq !== definedSeq)
  }
}
