import { expect, test } from 'vitest'
import { problemWith } from '../codec.ts'
import { changesToEvents, diffConfig, parseConfig } from '../config.ts'
import { schemas } from '../events.ts'

const text = `
assets:
  pims/prod/vehicle_positions:
    url: http://127.0.0.1:4410/prod/vehicle_positions.pb
    every: 5s
    kind: gtfs_rt_protobuf
    redirects: 0
  pushed: { kind: opaque_bytes }
pipelines:
  st-realtime-production:
    folder: realtime/st
    slots: { vehicle_positions: pims/prod/vehicle_positions }
    disabledSteps: [filter_stops]
  small: { folder: small, slots: {} }
`
const config = parseConfig(text, 'headway.yaml', {})
const nothing = { assets: {}, pipelines: {}, sources: {}, sinks: {}, rules: {} }

test('of a file and itself is empty', () => {
  expect(diffConfig(config, parseConfig(text, 'headway.yaml', {}))).toEqual([])
})

test('an optional field that is undefined is no field', () => {
  const { url: _, ...rest } = config.assets.pushed!
  const current = { ...config, assets: { ...config.assets, pushed: { ...rest, url: undefined } } }
  expect(diffConfig(current as unknown as typeof config, config)).toEqual([])
})

test('changed fields say from what to what', () => {
  const wanted = parseConfig(
    text
      .replace('every: 5s', 'every: 10s')
      .replace(/ +redirects: 0\n/, '')
      .replace('[filter_stops]', '[]'),
    'headway.yaml',
    {},
  )
  expect(
    diffConfig(config, wanted).map(({ name, change, fields }) => [name, change, fields]),
  ).toEqual([
    [
      'pims/prod/vehicle_positions',
      'changed',
      [
        { path: 'cadenceMs', from: 5_000, to: 10_000 },
        { path: 'redirectsMax', from: 0 },
      ],
    ],
    [
      'st-realtime-production',
      'changed',
      [{ path: 'disabledSteps', from: ['filter_stops'], to: [] }],
    ],
  ])
})

test('assets come before the pipelines that need them and go after them', () => {
  const names = (changes: ReturnType<typeof diffConfig>) =>
    changes.map(({ kind, name, change }) => `${change} ${kind} ${name}`)
  const added = [
    'added asset pims/prod/vehicle_positions',
    'added asset pushed',
    'added pipeline small',
    'added pipeline st-realtime-production',
  ]
  expect(names(diffConfig(nothing, config))).toEqual(added)
  expect(names(diffConfig(config, nothing))).toEqual([
    'removed pipeline small',
    'removed pipeline st-realtime-production',
    'removed asset pims/prod/vehicle_positions',
    'removed asset pushed',
  ])
})

test('what a pipeline makes is not removed by a file that does not name it', () => {
  const output = { kind: 'csv_table', strategy: 'content_hash', producer: 'small' } as const
  const current = { ...config, assets: { ...config.assets, 'output/small/feed': output } }
  expect(diffConfig(current, config)).toEqual([])
})

test('events are valid and go to their topics', () => {
  const there = changesToEvents(diffConfig(nothing, config), 1_700_000_000_000)
  const back = changesToEvents(diffConfig(config, nothing), 1_700_000_000_000)
  for (const { event } of [...there, ...back])
    expect(problemWith(schemas[event.type], event)).toBeNull()
  expect(there.map(({ topic, event }) => [topic, event.type])).toEqual([
    [{ kind: 'asset', name: 'pims/prod/vehicle_positions' }, 'AssetDefined'],
    [{ kind: 'asset', name: 'pushed' }, 'AssetDefined'],
    [{ kind: 'pipeline', name: 'small' }, 'PipelineDefined'],
    [{ kind: 'pipeline', name: 'st-realtime-production' }, 'PipelineDefined'],
  ])
  expect(back[0]!.event).toEqual({
    type: 'PipelineRemoved',
    v: 1,
    at: '2023-11-14T22:13:20.000Z',
    pipeline: 'small',
  })
  expect(back.at(-1)!.event.type).toBe('AssetRemoved')
})
