import { describe, expect, test } from 'vitest'
import { difference } from '@headway/schemas/content/difference.ts'
import { differenceOf } from './differences.ts'

const table = (rows: number, changed: number): Buffer =>
  Buffer.from(
    ['stop_id,name']
      .concat(Array.from({ length: rows }, (_, i) => `${i},${i === changed ? 'other' : 'name'}`))
      .join('\n'),
  )

describe('the difference of big contents', () => {
  const [before, after] = [table(20_000, -1), table(20_000, 7)]

  test('is the one that is found here and now', async () => {
    expect(await differenceOf('csv_table', before, after)).toEqual(
      difference('csv_table', before, after),
    )
  })

  test('leaves the room free meanwhile', async () => {
    const order: string[] = []
    const compared = Promise.resolve(differenceOf('csv_table', before, after)).then(() =>
      order.push('compared'),
    )
    setTimeout(() => order.push('something else'))
    await compared
    expect(order).toEqual(['something else', 'compared'])
  })
})
