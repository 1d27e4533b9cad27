/**
 * The part of the fetcher that answers pushes. Each one on the log is a command that one of any number of
 * fetchers takes; what it means is found in the repository, recorded on the targets, and told on the
 * source. Commands are not of record: whatever is without an answer is asked for again.
 *
 * Trouble that may pass is tried again with growing pauses, and is told on the targets meanwhile; what
 * stays wrong is an answer too. A rule or a sink that changed makes the newest push of each ref due again.
 */
import type { CommandOf } from '@headway/schemas/commands.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit, Delivery } from '@headway/schemas/ports.ts'
import { takeCommands } from '@headway/streams/take.ts'
import type { Assets } from './assets.ts'
import { Board, rulesFor, type Push } from './board.ts'
import { GitError } from './git.ts'
import { revisit } from './made.ts'
import { pollSource } from './poll.ts'
import {
  failedTargets,
  lastOf,
  Outrun,
  resolvePush,
  targetsOf,
  tellTrouble,
  type ResolveDoors,
  type Resolved,
} from './resolve.ts'
import { assetsIn, tendTargets, type Tended } from './tend-targets.ts'
import { Turns } from './turns.ts'

const kinds = ['source', 'rule', 'sink'] as const
const concurrency = 4
const attemptsMax = 10
const pauseMsMin = 1_000
const pauseMsMax = 300_000
const outrunMax = 16
/** A command that is this old and still not done may have been lost. */
const lostMs = 60_000
const messageMax = 1_000
type Command = CommandOf<'ResolvePush'> | CommandOf<'PollSource'>

export class Pushes {
  readonly #doors: ResolveDoors
  readonly #assets: Assets
  readonly #signal: AbortSignal
  readonly #board = new Board()
  /** Two on one repository would only get in each other's way. */
  readonly #repositories = new Turns()
  #work = Promise.resolve()
  #caughtUp = false
  #needed: () => void = () => {}
  readonly #isNeeded = new Promise<void>((resolve) => (this.#needed = resolve))

  constructor(doors: ResolveDoors, assets: Assets, signal: AbortSignal) {
    this.#doors = doors
    this.#assets = assets
    this.#signal = signal
    signal.addEventListener('abort', () => this.#needed(), { once: true })
  }

  async run(tickMs: number): Promise<void> {
    await Promise.all([this.#follow(), this.#take(), this.#lookForLosses(tickMs)])
  }

  async #follow(): Promise<void> {
    const { log } = this.#doors
    const head = await log.head(kinds)
    this.#caughtUp = head.seq === 0
    for await (const commits of log.tail({ from: 1, kinds, signal: this.#signal })) {
      for (const commit of commits) this.#apply(commit)
      if (this.#caughtUp) this.#then(() => this.#react(commits))
      else if (commits.at(-1)!.seq >= head.seq) {
        this.#caughtUp = true
        this.#then(() => this.#settle())
      }
    }
    await this.#work
  }

  /** What the log asks for is done in its order, and the log is read on meanwhile. */
  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(() => this.#sure(work))
  }

  #apply({ tenant, topic, seq, at, events }: Commit): void {
    events.forEach((event, index) => this.#board.evolve({ tenant, seq, index, at, event }))
    if (topic.kind === 'source') this.#board.source(tenant, topic.name).topicSeq = seq
    this.#board.reached(seq)
  }

  async #sure(work: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#doors
    for (let pauseMs = 200; !this.#signal.aborted; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      try {
        return await work()
      } catch (error) {
        if (this.#signal.aborted) return
        logger.warn({ error: String(error) }, 'what a push asks for failed; done again')
        await clock.sleep(pauseMs, this.#signal)
      }
    }
  }

  async #react(commits: readonly Commit[]): Promise<void> {
    const told = commits.flatMap(({ tenant, events }) => events.map((event) => ({ tenant, event })))
    const asked = told.flatMap(({ tenant, event }) =>
      event.type === 'PushReceived' ? [this.#ask(tenant, event)] : [],
    )
    await Promise.all(asked)
    for (const { tenant, event } of told) {
      if (event.type === 'SourceDefined' || event.type === 'SourceRemoved')
        await this.#schedule(tenant, event.source)
      if (event.type === 'PushResolved') await this.#tend(tenant, { assets: assetsIn(event) })
      if (event.type === 'RuleRemoved' || event.type === 'RuleDefined') await this.#tend(tenant)
      if (event.type === 'RuleDefined' || event.type === 'SinkDefined')
        await revisit(this.#doors, this.#board, tenant, this.#signal)
    }
  }

  /** What is owed when this fetcher has caught up. */
  async #settle(): Promise<void> {
    for (const [tenant, state] of this.#board.all()) {
      for (const [name, { pushes }] of state.sources) {
        await this.#schedule(tenant, name)
        for (const push of pushes.values()) await this.#ask(tenant, push)
      }
      await this.#tend(tenant, { isLost: true })
      await revisit(this.#doors, this.#board, tenant, this.#signal)
    }
  }

  async #schedule(tenant: string, name: string): Promise<void> {
    this.#needed()
    const { control } = this.#doors
    const { definition } = this.#board.source(tenant, name)
    const timer = { kind: 'poll' as const, tenant, source: name }
    if (!definition?.poll) return control.disarm(timer)
    const everyMs = Math.max(1_000, definition.poll.everyMs)
    await control.repeat(timer, everyMs, { type: 'PollSource', source: name })
  }

  async #ask(tenant: string, { source, task }: Pick<Push, 'source' | 'task'>, again = '') {
    this.#needed()
    const command = { type: 'ResolvePush' as const, source, task }
    await this.#doors.control.send(tenant, command, `resolve-${task}${again}`)
  }

  #tend(tenant: string, tended: Pick<Tended, 'assets' | 'isLost'> = {}): Promise<void> {
    const { rules } = this.#board.of(tenant)
    return tendTargets(this.#doors, this.#assets, { tenant, rules, ...tended })
  }

  async #lookForLosses(tickMs: number): Promise<void> {
    const { clock, control, logger } = this.#doors
    while (!this.#signal.aborted) {
      await clock.sleep(tickMs, this.#signal)
      if (!this.#caughtUp || this.#signal.aborted) continue
      try {
        for (const [tenant, { sources }] of this.#board.all()) {
          await this.#tend(tenant, { isLost: true })
          for (const [name, { pushes, definition }] of sources) {
            if (definition?.poll) await this.#schedule(tenant, name)
            const old = [...pushes.values()].filter(
              ({ at }) => clock.now() - Date.parse(at) > lostMs,
            )
            if (old.length === 0 || (await control.depth({ kind: 'resolve' })) !== 0) continue
            const again = `-again-${Math.floor(clock.now() / lostMs)}`
            for (const push of old) await this.#ask(tenant, push, again)
          }
        }
      } catch (error) {
        logger.warn({ error: String(error) }, 'what was lost of pushes is not known')
      }
    }
  }

  async #take(): Promise<void> {
    await this.#isNeeded
    if (this.#signal.aborted) return
    await takeCommands<Command['type']>(
      this.#doors,
      { kind: 'resolve' },
      { concurrency, signal: this.#signal, source: 'fetcher', renewsLease: true },
      (command, delivery) => this.#do(command, delivery),
    )
  }

  async #do(command: Command, delivery: Delivery): Promise<void> {
    const { tenant, deliveries } = delivery
    try {
      const { seq } = await this.#doors.log.head(kinds)
      await this.#board.until(seq, this.#signal)
      // Who stops reads no more, and would take what is new for something that is done.
      if (this.#signal.aborted) return delivery.retry(0)
      const retryMs =
        command.type === 'PollSource'
          ? await this.#poll(tenant, command.source)
          : await this.#resolve(tenant, command, deliveries)
      if (retryMs === null) delivery.ack()
      else delivery.retry(retryMs)
    } catch (error) {
      if (this.#signal.aborted) return delivery.retry(0)
      this.#doors.logger.warn({ error: String(error) }, 'a push is looked at again')
      delivery.retry(pauseMs(deliveries))
    }
  }

  async #poll(tenant: string, source: string): Promise<null> {
    await pollSource(this.#doors, this.#board, this.#assets, { tenant, source }, this.#signal)
    return null
  }

  /** Null when the push is answered; otherwise when to try again. */
  async #resolve(
    tenant: string,
    { source, task }: CommandOf<'ResolvePush'>,
    attempt: number,
  ): Promise<number | null> {
    const isOpen = () => this.#board.source(tenant, source).pushes.get(task)
    const push = isOpen()
    if (!push) return null
    return this.#repositories.take([tenant, source, push.repository].join('\n'), async () => {
      if (!isOpen()) return null
      try {
        await this.#answer(push, await this.#resolveOnce(push, attempt))
        return null
      } catch (error) {
        if (!(error instanceof GitError)) throw error
        if (error.type === 'stopped') return 0
        const isLast = !error.retryable || attempt >= attemptsMax
        await this.#tell(push, error, isLast)
        return isLast ? null : pauseMs(attempt)
      }
    })
  }

  async #resolveOnce(push: Push, attempt: number): Promise<Resolved> {
    const tenant = this.#board.of(push.tenant)
    const doors = this.#doors
    for (let outrun = 0; ; outrun++) {
      try {
        const resolving = { doors, assets: this.#assets, tenant, push, attempt }
        return await resolvePush({ ...resolving, signal: this.#signal })
      } catch (error) {
        if (!(error instanceof Outrun) || outrun >= outrunMax) throw error
      }
    }
  }

  /** A failure is told where it hurts, and is the answer when no other is to be expected. */
  async #tell(push: Push, error: GitError, isLast: boolean): Promise<void> {
    const rules = rulesFor(this.#board.of(push.tenant), push)
    const message = error.message.slice(0, messageMax)
    this.#doors.logger.warn({ push: push.task, error: message }, 'a repository cannot be read')
    if (isLast || error.type !== 'commit_missing')
      for (const [rule] of rules)
        for (const asset of targetsOf(this.#assets, push, rule))
          if (lastOf(asset)?.ref === push.ref)
            await tellTrouble({ doors: this.#doors, assets: this.#assets }, asset, {
              type: error.type,
              message,
            })
    if (!isLast) return
    const targets = failedTargets(rules, push, message)
    await this.#answer(push, { targets, reason: message })
  }

  /** The first answer counts; a second one, of a fetcher that thought itself alone, changes nothing. */
  async #answer(push: Push, { targets, reason }: Resolved): Promise<void> {
    const { log, clock } = this.#doors
    const { tenant, source, delivery, task } = push
    const appended = await log.append({
      tenant,
      topic: { kind: 'source', name: source },
      id: `resolved-${task}`,
      events: [
        {
          type: 'PushResolved',
          v: 1,
          at: toTimestamp(clock.now()),
          source,
          delivery,
          task,
          targets: [...targets],
          ...(reason && targets.length === 0 ? { reason } : {}),
        },
      ],
      source: 'fetcher',
    })
    if (appended.outcome !== 'conflict') await this.#board.until(appended.seq, this.#signal)
  }
}

const pauseMs = (attempt: number): number => Math.min(pauseMsMin * 2 ** (attempt - 1), pauseMsMax)
