import { describe, expect, test } from 'vitest'
import { drawDag, layOut } from './dag.ts'

const edges: [string, string][] = [
  ['a', 'c'],
  ['b', 'c'],
  ['c', 'd'],
  ['a', 'd'],
]

describe('a layout', () => {
  test('puts every node right of all its sources, the longest way counts', () => {
    const places = layOut(['d', 'c', 'b', 'a'], edges)
    expect(['a', 'b', 'c', 'd'].map((id) => places.get(id)!.x)).toEqual([0, 0, 260, 520])
    for (const [source, target] of edges)
      expect(places.get(target)!.x).toBeGreaterThan(places.get(source)!.x)
  })

  test('is the same in whatever order nodes and edges come, and no two share a place', () => {
    const places = layOut(['a', 'b', 'c', 'd'], edges)
    const other = layOut(['d', 'b', 'c', 'a'], edges.toReversed())
    for (const [id, place] of places) expect(other.get(id)).toEqual(place)
    expect(new Set([...places.values()].map((place) => JSON.stringify(place))).size).toBe(4)
  })

  test('ends when edges run in a ring', () => {
    const ring: [string, string][] = [
      ['a', 'b'],
      ['b', 'a'],
    ]
    expect([...layOut(['a', 'b'], ring).keys()]).toHaveLength(2)
  })
})

test('a drawing names inputs, steps and outputs, and has no edge to nowhere or twice', () => {
  const release = {
    inputs: { feed: { kind: 'opaque_bytes' as const, optional: true } },
    outputs: { out: { kind: 'opaque_bytes' as const, step: 's' } },
    steps: [{ id: 's', type: 'rename', builtin: true }],
    edges: [
      ['input:feed', 's'],
      ['input:feed', 's'],
      ['s', 'output:out'],
      ['gone', 's'],
    ] as [string, string][],
  }
  const { nodes, edges: drawn } = drawDag('p', 'aaaaaaaaaaaa', release, null)
  expect(nodes.map(({ id, type, builtin }) => [id, type, builtin])).toEqual([
    ['input:feed', 'input', true],
    ['s', 'rename', true],
    ['output:out', 'output', true],
  ])
  expect(drawn.map(({ id }) => id)).toEqual(['input:feed->s', 's->output:out'])
  expect(nodes[2]!.data).toMatchObject({ asset: 'output/p/out' })
})
