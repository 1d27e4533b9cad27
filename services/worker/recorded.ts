/**
 * The bytes that an attempt begins with: its inputs, and what steps of earlier attempts made. Small
 * outputs of steps are in the event itself, others in the content store.
 */
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { StepOutput, VersionRef } from '@headway/schemas/definitions.ts'
import type { Content } from '@headway/schemas/ports.ts'
import type { RunState } from './decider.ts'
import type { Execution } from './executor.ts'
import type { Recorded } from './recorder.ts'

const inlineBytesMax = 1_024

export const inlineOf = ({ kind, bytes }: Recorded): StepOutput => ({
  kind,
  sizeBytes: bytes.length,
  inline: Buffer.from(bytes).toString('base64'),
})

/** The bytes are durable when it resolves. */
export const keepRecorded = async (
  content: Content,
  tenant: string,
  recorded: Recorded,
): Promise<StepOutput> => {
  const { kind, bytes } = recorded
  if (bytes.length <= inlineBytesMax) return inlineOf(recorded)
  return { kind, sizeBytes: bytes.length, digest: await content.put(tenant, bytes) }
}

const bytesOf = async (
  content: Content,
  tenant: string,
  { inline, digest }: StepOutput,
): Promise<Uint8Array | null> => {
  if (inline !== undefined) return Buffer.from(inline, 'base64')
  return digest === undefined ? null : content.get(tenant, digest)
}

/** What may be reused: recorded in epoch `reuseFrom` or later, and still there. */
const readRecorded = async (
  content: Content,
  tenant: string,
  { outputs }: RunState,
  reuseFrom: number,
): Promise<Execution['recorded']> => {
  const read = Object.entries(outputs)
    .filter(([, { epoch }]) => epoch >= reuseFrom)
    .map(async ([step, { output }]) => {
      const bytes = await bytesOf(content, tenant, output)
      return bytes ? [[step, { kind: output.kind, bytes }] as const] : []
    })
  return Object.fromEntries((await Promise.all(read)).flat())
}

/** Throws when the bytes of an input are not there. */
const readInputs = async (
  content: Content,
  tenant: string,
  refs: Readonly<Record<string, VersionRef>>,
): Promise<Execution['inputs']> => {
  const read = Object.entries(refs).map(async ([slot, { digest, kind }]) => {
    const bytes = await content.get(tenant, digest)
    if (!bytes) throw new Error(`the bytes ${digest} of slot ${slot} are not there`)
    return [slot, { kind, bytes }] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

/** All that an attempt begins with. */
export const prepare = async (
  content: Content,
  tenant: string,
  { request, reuseFrom, answers = {} }: CommandOf<'RunPipeline'>,
  before: RunState,
  ownInputs: Readonly<Record<string, VersionRef>>,
): Promise<Execution> => ({
  inputs: await readInputs(content, tenant, { ...request.inputs, ...ownInputs }),
  disabled: request.disabledSteps ?? [],
  recorded: await readRecorded(content, tenant, before, reuseFrom),
  answers,
  now: request.at,
  ...(request.sync ? { sync: request.sync } : {}),
})
