import { randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { Refusal, type ContentKindName } from '@headway/schemas/content/kind.ts'
import { contentKindOf } from '@headway/schemas/content/registry.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import { inspect } from './inspect.ts'

const never = new AbortController().signal
const refusalOf = (kind: ContentKindName, bytes: Uint8Array) =>
  inspect(kind, bytes, never).then(
    () => null,
    (error: unknown) => (error instanceof Refusal ? [error.code, error.message] : error),
  )

const table = (rows: number) =>
  Buffer.from(`stop_id,stop_name\n${'1,"Westlake, north"\n'.repeat(rows)}`)

describe('an inspection', () => {
  test('says the same in the room and in a thread', async () => {
    const [small, big] = [table(3), table(20_000)]
    expect(await inspect('csv_table', small, never)).toEqual(contentKindOf.csv_table.inspect(small))
    expect(big.length).toBeGreaterThan(128 * 1024)
    expect(await inspect('csv_table', big, never)).toEqual(contentKindOf.csv_table.inspect(big))
  })

  test('refuses in the room and in a thread alike', async () => {
    const page = (characters: number) => Buffer.from(`<html>${'x'.repeat(characters)}</html>`)
    const [small, big] = [page(100), page(500_000)]
    expect(await refusalOf('gtfs_schedule_zip', big)).toEqual(
      await refusalOf('gtfs_schedule_zip', small),
    )
    expect(await refusalOf('gtfs_rt_protobuf', big)).toEqual([
      'html_page',
      expect.stringContaining('found an HTML page'),
    ])
    expect((await refusalOf('opaque_bytes', Buffer.alloc(0))) as string[]).toContain('empty_body')
  })

  test('leaves the room free while it works on big bytes', async () => {
    const big = table(300_000)
    let turns = 0
    const counting = setInterval(() => turns++, 5)
    await inspect('csv_table', big, never)
    clearInterval(counting)
    expect(turns).toBeGreaterThan(3)
  })

  test('of many big bytes at once gives each its own answer', async () => {
    const all = Array.from({ length: 8 }, () => randomBytes(200_000))
    const inspections = await Promise.all(all.map((bytes) => inspect('opaque_bytes', bytes, never)))
    expect(inspections.map(({ contentDigest }) => contentDigest)).toEqual(all.map(sha256))
  })

  test('ends with the room that stops, and is nobody’s refusal [I16]', async () => {
    const stop = new AbortController()
    const ending = inspect('csv_table', table(300_000), stop.signal)
    stop.abort()
    await expect(ending).rejects.not.toBeInstanceOf(Refusal)
    await expect(inspect('opaque_bytes', randomBytes(200_000), stop.signal)).rejects.toThrow(
      'without an answer',
    )
    const next = randomBytes(200_000)
    expect((await inspect('opaque_bytes', next, never)).contentDigest).toBe(sha256(next))
  })

  test('that breaks on bytes refuses them: they would break it again [I17]', async () => {
    const broken = vi.spyOn(contentKindOf.gtfs_rt_protobuf, 'inspect').mockImplementation(() => {
      throw new RangeError('offset is out of bounds')
    })
    expect(await refusalOf('gtfs_rt_protobuf', Buffer.from('x'))).toEqual([
      'malformed_protobuf',
      'the inspection broke on these bytes: offset is out of bounds',
    ])
    broken.mockRestore()
  })
})
