import { opaqueBytes } from '@headway/schemas/content/opaque.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { step } from '@headway/worker/steps/step.ts'
import { Type } from 'typebox'

const handOn = step({
  name: 'hand_on',
  description: 'Hands on what it got.',
  inputs: { value: opaqueBytes },
  options: Type.Object({}),
  output: opaqueBytes,
  run: ({ value }) => value,
})

const steps = Array.from({ length: 12 }, (_, i) => `step_${i + 1}`)

/**
 * As many steps as a real feed has, none of which does anything: its output is its input, so that
 * everybody can tell which output belongs to which input.
 */
export const pipeline = definePipeline({
  feedType: 'other',
  inputs: { value: opaqueBytes },
  flow: ({ value }) => ({ value: steps.reduce((last, as) => handOn({ value: last, as }), value) }),
})
