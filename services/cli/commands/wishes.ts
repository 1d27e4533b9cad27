/** Things that are asked for in one request and happen soon: who asks and why is recorded. */
import { call, field, part, rowOf } from '../api.ts'
import { note, printJson } from '../terminal.ts'
import type { CommandModule, Invocation } from './entry.ts'
import { bodyOf, keyOf } from './trigger.ts'

type Args = readonly string[]

const wish = (
  pathOf: (args: Args) => string,
  told: (args: Args, answer: ReturnType<typeof rowOf>) => string,
  method: 'POST' | 'DELETE' = 'POST',
): CommandModule => ({
  run: async ({ args, options }: Invocation) => {
    const given = args as Args
    const path = pathOf(given.map((text) => part(text)))
    const answer = await call(path, { method, ...bodyOf(options), ...keyOf(options) })
    if (options.json) return printJson(answer)
    const row = rowOf(answer)
    const status = field(row, 'status')
    note(status === 'unchanged' ? 'unchanged: it is so already' : `accepted: ${told(given, row)}`)
  },
})

export const cancel = wish(
  ([run]) => `runs/${run}/cancel`,
  ([run]) => `run ${run} ends as soon as nobody executes it any more`,
)
export const pause = wish(
  ([pipeline]) => `pipelines/${pipeline}/pause`,
  ([pipeline]) => `${pipeline} starts no runs; what runs goes on`,
)
export const resume = wish(
  ([pipeline]) => `pipelines/${pipeline}/resume`,
  ([pipeline]) => `${pipeline} starts runs again`,
)
export const disableStep = wish(
  ([pipeline, step]) => `pipelines/${pipeline}/steps/${step}/disable`,
  ([, step]) => `runs that are asked for from now on leave ${step} out`,
)
export const enableStep = wish(
  ([pipeline, step]) => `pipelines/${pipeline}/steps/${step}/enable`,
  ([, step]) => `runs that are asked for from now on do ${step}`,
)
export const activate = wish(
  ([pipeline, version]) => `releases/${pipeline}/${version}/activate`,
  ([pipeline, version]) => `new runs of ${pipeline} use ${version}`,
)
export const rollback = wish(
  ([pipeline]) => `pipelines/${pipeline}/rollback`,
  ([pipeline], answer) => `new runs of ${pipeline} use ${field(answer, 'version')} again`,
)
export const retire = wish(
  ([pipeline, version]) => `releases/${pipeline}/${version}/retire`,
  ([, version]) => `nothing can be pinned to ${version} any more`,
)
export const stopCanary = wish(
  ([canary]) => `canaries/${canary}`,
  ([canary]) => `canary ${canary} repeats no more runs`,
  'DELETE',
)
export const drain = wish(
  ([worker]) => `workers/${worker}/drain`,
  ([worker]) => `${worker} finishes what it holds and takes nothing new`,
)
export const resumeWorker = wish(
  ([worker]) => `workers/${worker}/resume`,
  ([worker]) => `${worker} takes runs again`,
)
