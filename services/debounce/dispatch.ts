/**
 * Run commands on their way to the queues of their versions. Which runs have their turn is decided
 * elsewhere; here each of them gets one command, by an id that every instance makes the same, and a new
 * one when the queue lost it.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Pipeline } from './board.ts'
import { dispatched } from './decider.ts'
import { isUnderWay, type Run } from './runs.ts'
import type { PipelineState } from './state.ts'

/** Ids of commands remembered, so that none is queued at every look. */
const sentMax = 10_000

const idOf = ({ run, fence }: Run): string => `run-${run}-${fence.epoch}`

export class Dispatch {
  readonly #doors: Doors
  readonly #sent = new Set<string>()

  constructor(doors: Doors) {
    this.#doors = doors
  }

  /** Commands that were queued before this instance was there, or are found to be lost. */
  assumeSent(runs: readonly Run[]): void {
    for (const run of runs) this.#sent.add(idOf(run))
  }

  async send(pipeline: Pipeline, { topicSeq }: PipelineState, runs: readonly Run[]): Promise<void> {
    await Promise.all(runs.map((run) => this.#send(pipeline, run, topicSeq, idOf(run))))
  }

  /**
   * A run nobody works on and no queue holds lost its command: it is told again. `newest` catches up with
   * the log: what a worker said before it gave its command away is known then.
   */
  async sendLost(
    pipeline: Pipeline,
    state: PipelineState,
    silentMs: number,
    newest: () => Promise<PipelineState>,
  ): Promise<void> {
    const { control, clock } = this.#doors
    for (const version of new Set(this.#silent(state, silentMs).map((run) => run.version))) {
      const queue = {
        kind: 'run' as const,
        tenant: pipeline.tenant,
        pipeline: pipeline.id,
        version,
        concurrency: state.definition?.concurrency ?? 1,
      }
      const depth = await control.depth(queue)
      if (depth === null) await control.ensureQueue(queue)
      if (depth !== 0 && depth !== null) continue
      const now = await newest()
      const minute = Math.floor(clock.now() / 60_000)
      for (const run of this.#silent(now, silentMs))
        if (run.version === version) {
          const { epoch, attempt } = run.fence
          const id = `run-${run.run}-${epoch}-again-${attempt}-${minute}`
          await this.#send(pipeline, run, now.topicSeq, id)
        }
    }
  }

  #silent(state: PipelineState, silentMs: number): readonly Run[] {
    const now = this.#doors.clock.now()
    const underWay = [...state.runs.open.values()].filter(isUnderWay)
    return [...underWay, ...dispatched(state)].filter(({ heardAt }) => now - heardAt >= silentMs)
  }

  async #send(pipeline: Pipeline, run: Run, seq: number, id: string): Promise<void> {
    if (this.#sent.has(id)) return
    this.#sent.add(id)
    if (this.#sent.size > sentMax) this.#sent.delete(this.#sent.values().next().value!)
    try {
      const request = run.request ?? (await this.#requestOf(run))
      const { epoch, attempt } = run.fence
      await this.#doors.control.send(
        pipeline.tenant,
        {
          type: 'RunPipeline',
          request,
          priorAttempts: attempt,
          seq,
          epoch,
          reuseFrom: run.reuseFrom,
          ...(run.version === request.pipelineVersion ? {} : { pipelineVersion: run.version }),
          ...(Object.keys(run.answers).length > 0 ? { answers: run.answers } : {}),
        },
        id,
      )
    } catch (error) {
      this.#sent.delete(id)
      throw error
    }
  }

  /** Of a run that was done again; the log has what was asked for first. */
  async #requestOf({ run, seq }: Run): Promise<EventOf<'RunRequested'>> {
    const commit = await this.#doors.log.at(seq)
    const request = commit?.events.find(
      (event) => event.type === 'RunRequested' && event.run === run,
    )
    if (!request) throw new Error(`the request of run ${run} is not at ${seq}`)
    return request as EventOf<'RunRequested'>
  }
}
