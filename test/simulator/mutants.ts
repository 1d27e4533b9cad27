/**
 * Bugs that somebody could have written, one line each: the simulator must catch every one, or it
 * proves nothing. A line that is no longer there as it is written here fails the suite as well: bring
 * the patch along with the code.
 */
import type { Patch } from './pool.ts'

export type Mutant = Patch & {
  readonly name: string
  /** A history that showed it when it was written down; when that one changes, all are searched. */
  readonly seed: number
}

const fetcher = 'services/fetcher'
const debounce = 'services/debounce'
const worker = 'services/worker'
const projector = 'services/projector'

export const mutants: readonly Mutant[] = [
  // The log and its names.
  {
    name: 'fetcher: what a source says is told with the secret in it',
    seed: 1,
    file: `${fetcher}/look.ts`,
    find: 'arrival: hiding(arrival, secrets.hide)',
    replace: 'arrival',
  },
  {
    name: 'fetcher: the event before the bytes it names',
    seed: 3,
    file: `${fetcher}/assets.ts`,
    find: 'if (isNamed && bytes) await this.#doors.content.put(tenant, bytes)',
    replace: 'if (isNamed && bytes) void this.#doors.content.put(tenant, bytes)',
  },
  {
    name: 'fetcher: the dedupe window as uniqueness',
    seed: 6,
    file: `${fetcher}/assets.ts`,
    find: '        expect: state.topicSeq,\n',
    replace: '',
  },
  {
    name: 'fetcher: a look is acknowledged before it is recorded',
    seed: 1,
    file: `${fetcher}/room.ts`,
    find: 'await this.#assets.catchUp(asset)\n',
    replace: 'delivery.ack()\n      await this.#assets.catchUp(asset)\n',
  },
  {
    name: 'fetcher: pushes from before the start are forgotten',
    seed: 17,
    file: `${fetcher}/room.ts`,
    find: 'if (!latest || askedSeq === topicSeq) this.#ask(asset, askedSeq)\n    this.#takePushes(asset)',
    replace: 'if (!latest || askedSeq === topicSeq) this.#ask(asset, askedSeq)',
  },
  {
    name: 'fetcher: work that fails once is not done again',
    seed: 23,
    file: `${fetcher}/room.ts`,
    find: 'pauseMs = Math.min(pauseMs * 2, pauseMsMax)',
    replace: 'break',
  },
  {
    name: 'asset: a push is answered though it was answered',
    seed: 6,
    file: 'schemas/asset.ts',
    find: 'if (push !== undefined && !state.pushes.some((asked) => asked.push === push)) return []',
    replace: '',
  },
  {
    name: 'asset: known content is a new version',
    seed: 2,
    file: 'schemas/asset.ts',
    find: "if (strategy === 'content_hash') return true",
    replace: "if (strategy === 'content_hash') return false",
  },

  // Windows and requests.
  {
    name: 'window: off by one millisecond',
    seed: 98,
    file: `${debounce}/decider.ts`,
    find: 'if (!next || next.at > moment.now) return []',
    replace: 'if (!next || next.at > moment.now + 1) return []',
  },
  {
    name: 'window: the maximum wait is forgotten',
    seed: 2066,
    file: `${debounce}/window.ts`,
    find: 'Math.min(last.at + quietMs, first.at + maxWaitMs)',
    replace: 'last.at + quietMs',
  },
  {
    name: 'window: the maximum wait from the last trigger',
    seed: 2,
    file: `${debounce}/window.ts`,
    find: 'Math.min(last.at + quietMs, first.at + maxWaitMs)',
    replace: 'Math.min(first.at + quietMs, first.at + maxWaitMs)',
  },
  {
    name: 'window: a version at the border is taken twice',
    seed: 1,
    file: `${debounce}/window.ts`,
    find: 'triggers: triggers.filter(({ seq }) => seq > throughSeq)',
    replace: 'triggers: triggers.filter(({ seq }) => seq >= throughSeq)',
  },
  {
    name: 'window: reaches one commit too far',
    seed: 1,
    file: `${debounce}/window.ts`,
    find: 'if (!beyond) return { triggers, throughSeq: seq }',
    replace: 'if (!beyond) return { triggers, throughSeq: seq + 1 }',
  },
  {
    name: 'window: the wall clock of a machine',
    seed: 2,
    file: `${debounce}/room.ts`,
    find: 'void this.#look(pipeline, this.#board.now)',
    replace: 'void this.#look(pipeline, this.#doors.clock.now())',
  },
  {
    name: 'window: the wall clock when a timer fires',
    seed: 842,
    file: `${debounce}/room.ts`,
    find: 'await this.#look({ tenant, id: pipeline }, delivery.at)',
    replace: 'await this.#look({ tenant, id: pipeline }, this.#doors.clock.now())',
  },
  {
    name: 'window: a fired timer may have taken its replacement along',
    seed: 1120,
    file: `${debounce}/room.ts`,
    find: 'this.#armed.delete(entityKey(tenant, pipeline))',
    replace: '',
  },
  {
    name: 'window: a pinned run takes it along',
    seed: 37,
    file: `${debounce}/state.ts`,
    find: 'if (event.pinned || event.canary) return { ...state, manual }',
    replace: '',
  },
  {
    name: 'window: cancelled in name only',
    seed: 64,
    file: `${debounce}/state.ts`,
    find: 'window: { ...state.window, triggers: [], flushedBy: null },\n        settleNext: true,',
    replace: 'settleNext: true,',
  },
  {
    name: 'requests: the state they were taken on is not guarded',
    seed: 32,
    file: `${debounce}/room.ts`,
    find: '      expect: state.topicSeq,\n',
    replace: '',
  },
  {
    name: 'requests: each wish of a commit takes the window',
    seed: 2,
    file: `${debounce}/decider.ts`,
    find: 'const triggers = isTaken ? [] : window.triggers',
    replace: 'const triggers = window.triggers',
  },
  {
    name: 'requests: the same wish heard twice',
    seed: 2,
    file: `${debounce}/state.ts`,
    find: 'if (state.heard.has(event.request)) return state',
    replace: '',
  },
  {
    name: 'requests: a superseded run takes its versions with it',
    seed: 23,
    file: `${debounce}/decider.ts`,
    find: '...(versions.length > 0 ? { carriedOver: versions } : {}),',
    replace: '',
  },
  {
    name: 'requests: new code is not asked for',
    seed: 5,
    file: `${debounce}/runs.ts`,
    find: 'JSON.stringify([\n    version,',
    replace: "JSON.stringify([\n    '',",
  },

  // Runs on their way.
  {
    name: 'dispatch: a lost command stays lost',
    seed: 57,
    file: `${debounce}/dispatch.ts`,
    find: 'if (depth !== 0 && depth !== null) continue',
    replace: 'if (depth !== null) continue',
  },
  {
    name: 'dispatch: a run that waits for nobody is resumed into the same epoch',
    seed: 14,
    file: `${debounce}/decider.ts`,
    find: 'epoch: fence.epoch + 1,\n      pipelineVersion: version,\n      interactions',
    replace: 'epoch: fence.epoch,\n      pipelineVersion: version,\n      interactions',
  },
  {
    name: 'redrive: into the same epoch',
    seed: 4,
    file: `${debounce}/redrives.ts`,
    find: 'epoch: run.fence.epoch + 1',
    replace: 'epoch: run.fence.epoch',
  },
  {
    name: 'cancel: a run that nobody executes is left alone',
    seed: 63,
    file: `${debounce}/runs.ts`,
    find: "cancel && (fence.status === 'running' ? cancel.at + cancelMs : cancel.at)",
    replace: "cancel && fence.status === 'running' ? cancel.at + cancelMs : null",
  },
  {
    name: 'fence: old attempts count',
    seed: 705,
    file: 'schemas/run.ts',
    find: 'return epoch > fence.epoch || (epoch === fence.epoch && event.attempt >= fence.attempt)',
    replace: 'return true',
  },
  {
    name: 'fence: what ended goes on',
    seed: 11,
    file: 'schemas/run.ts',
    find: 'if (isEnded(fence.status)) return false',
    replace: '',
  },

  // Workers.
  {
    name: 'worker: acknowledges before the log has the end',
    seed: 1,
    file: `${worker}/run.ts`,
    find: 'async #finish(): Promise<void> {\n    await this.#journal.flush()',
    replace:
      'async #finish(): Promise<void> {\n    this.#delivery.ack()\n    await this.#journal.flush()',
  },
  {
    name: 'worker: an overtaken attempt acknowledges',
    seed: 2077,
    file: `${worker}/run.ts`,
    find: 'if (error instanceof FencedError) return\n',
    replace: 'if (error instanceof FencedError) return delivery.ack()\n',
  },
  {
    name: 'worker: every attempt is the first',
    seed: 49,
    file: `${worker}/decider.ts`,
    find: 'const number = Math.max(attempt.attempt, before.attempt + 1)',
    replace: 'const number = 1',
  },
  {
    name: 'worker: what was queued before the server came back is new',
    seed: 727_337,
    file: `${worker}/run.ts`,
    find: 'if (sinceReturn !== undefined) return earlier.read(this.#request, sinceReturn)\n',
    replace: '',
  },
  {
    name: 'worker: a repeated try does not look for the first one',
    seed: 966_444,
    file: `${worker}/publish.ts`,
    find: 'await this.#before(asset, output, tries > 0)',
    replace: 'await this.#before(asset, output, false)',
  },
  {
    name: 'worker: one attempt more than allowed',
    seed: 68,
    file: `${worker}/decider.ts`,
    find: 'attempt - free > policy.attempts',
    replace: 'attempt - free > policy.attempts + 1',
  },
  {
    name: 'worker: newest inputs instead of the pinned ones',
    seed: 4,
    file: `${worker}/run.ts`,
    find: 'this.#command, before, ownInputs)',
    replace:
      'this.#command, before, { ...ownInputs, ...(await newestOwn(doors.log, tenant, ' +
      'Object.entries(this.#request.inputs).map(([slot, { asset }]) => [slot, asset]))) })',
  },
  {
    name: 'worker: the event before the bytes it names',
    seed: 1,
    file: `${worker}/publish.ts`,
    find: 'digest: await doors.content.put(tenant, bytes),',
    replace:
      'digest: (void doors.content.put(tenant, bytes).catch(() => {}), output.inspection.contentDigest),',
  },
  {
    name: 'worker: no fence before publishing',
    seed: 761,
    file: `${worker}/publish.ts`,
    find: 'if (await this.#isOvertaken(latest)) throw',
    replace: 'if (false) throw',
  },
  {
    name: 'worker: outputs over whatever is there',
    seed: 70,
    file: `${worker}/publish.ts`,
    find: '      events: [version],\n      expect,\n',
    replace: '      events: [version],\n',
  },
  {
    name: 'worker: says that it published what it did not',
    seed: 70,
    file: `${worker}/publish.ts`,
    find: "if (appended.outcome === 'stored') return { version, changed: true }",
    replace: 'if (appended.outcome) return { version, changed: true }',
  },
  {
    name: 'worker: reuses what another version made',
    seed: 63,
    file: `${worker}/recorded.ts`,
    find: '.filter(([, { epoch }]) => epoch >= reuseFrom)',
    replace: '',
  },

  // Tables.
  {
    name: 'projector: an unknown outcome is taken for good',
    seed: 17,
    file: `${projector}/room.ts`,
    find: "if ((await this.#project(rest)) === 'stored') return\n",
    replace:
      'const seq = rest.at(-1)!.seq\n' +
      'const swallow = () => ((this.position = { ...this.position, seq }), "stored")\n' +
      'if ((await this.#project(rest).catch(swallow)) === "stored") return\n',
  },
  {
    name: 'projector: begins one commit too late',
    seed: 1,
    file: `${projector}/room.ts`,
    find: 'const from = this.position.seq + 1',
    replace: 'const from = this.position.seq + 2',
  },
  {
    name: 'projector: remembers rows from before it was overtaken',
    seed: 23,
    file: `${projector}/room.ts`,
    find: '  async #reload(): Promise<void> {\n    this.#projection.forget()',
    replace: '  async #reload(): Promise<void> {',
  },
  {
    name: 'projector: the position moves outside the transaction',
    seed: 1,
    file: 'test/simulator/small-doors.ts',
    find: 'for (const [table, changed] of changes) {',
    replace: 'for (const [table, changed] of to.seq % 7 === 0 ? [] : changes) {',
  },
  {
    name: 'projector: nobody guards the position',
    seed: 2,
    file: 'test/simulator/small-doors.ts',
    find: 'if (position?.seq !== from.seq || position.build !== from.build) return',
    replace: 'if (!position) return',
  },
  {
    name: 'projector: what old attempts say is shown',
    seed: 2099,
    file: `${projector}/projection.ts`,
    find: 'if (!run || !afterRunEvent(fenceOfRun(run), event)) return',
    replace: '',
  },

  // How the servers are set up.
  {
    name: 'log: acknowledged before it is on disk',
    seed: 5,
    file: 'test/simulator/log.ts',
    find: 'const isSynced = true',
    replace: 'const isSynced = false',
  },
]
