import { opaqueBytes } from '@headway/schemas/content/opaque.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { step } from '@headway/worker/steps/step.ts'
import { Type } from 'typebox'

const nothing = step({
  name: 'nothing',
  description: 'Hands on what it got.',
  inputs: { value: opaqueBytes },
  options: Type.Object({}),
  output: opaqueBytes,
  run: ({ value }) => value,
})

/** Four steps one after the other that do nothing: what a run costs by itself. */
export const pipeline = definePipeline({
  feedType: 'other',
  inputs: { value: opaqueBytes },
  flow({ value }) {
    const one = nothing({ value, as: 'one' })
    const two = nothing({ value: one, as: 'two' })
    const three = nothing({ value: two, as: 'three' })
    return { value: nothing({ value: three, as: 'four' }) }
  },
})
