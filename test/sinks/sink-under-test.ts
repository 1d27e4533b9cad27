import { sinkTypes } from '@headway/worker/sinks/index.ts'
import type { Sink, SinkPlace } from '@headway/worker/sinks/sink.ts'

/** Who writes, in tests of sinks. */
export const place: SinkPlace = {
  labels: {
    'managed-by': 'headway',
    tenant: 'default',
    rule: 'shop',
    environment: 'production',
    repository: 'acme/shop',
    commit: '0123456789ab',
  },
  now: '2026-11-21T00:00:00.000Z',
}

export const never: AbortSignal = new AbortController().signal

/** As the worker opens it: placeholders are filled in and secrets resolved by then. */
export const openSink = async (type: string, options: object): Promise<Sink> => {
  const found = sinkTypes.find((one) => one.type === type)
  if (!found) throw new Error(`there is no sink ${type}`)
  return found.open(options as never, never)
}
