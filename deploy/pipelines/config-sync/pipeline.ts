import { configTree } from '@headway/schemas/content/config-tree.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { applySync } from '@headway/worker/steps/apply-sync.ts'
import { confirmSync } from '@headway/worker/steps/confirm-sync.ts'
import { flattenValues } from '@headway/worker/steps/flatten-values.ts'
import { planSync } from '@headway/worker/steps/plan-sync.ts'
import { readFiles } from '@headway/worker/steps/read-files.ts'
import { renameKeys } from '@headway/worker/steps/rename-keys.ts'
import { sliceEnvironment } from '@headway/worker/steps/slice-environment.ts'
import { validateValues } from '@headway/worker/steps/validate-values.ts'

/** The files of a commit to every sink of their rule: planned, written, read back. */
export const pipeline = definePipeline({
  feedType: 'other',
  inputs: { tree: configTree },
  flow: ({ tree }) => {
    const documents = sliceEnvironment({ documents: readFiles({ tree }) })
    const flat = renameKeys({ values: flattenValues({ documents }) })
    const values = validateValues({ tree, values: flat })
    const plan = planSync({ values })
    const applied = applySync({ values, plan })
    return { report: confirmSync({ values, applied }) }
  },
})
