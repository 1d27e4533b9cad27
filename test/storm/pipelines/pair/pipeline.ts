import { opaqueBytes } from '@headway/schemas/content/opaque.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { step } from '@headway/worker/steps/step.ts'
import { Type } from 'typebox'

const join = step({
  name: 'join',
  description: 'Puts one behind the other.',
  inputs: { value: opaqueBytes, other: opaqueBytes },
  options: Type.Object({}),
  output: opaqueBytes,
  run: ({ value, other }) => Buffer.concat([value, Buffer.from('\n'), other]),
})

/** Listens to two assets: a window holds versions of both. */
export const pipeline = definePipeline({
  feedType: 'other',
  inputs: { value: opaqueBytes, other: opaqueBytes },
  flow({ value, other }) {
    return { value: join({ value, other, as: 'joined' }) }
  },
})
