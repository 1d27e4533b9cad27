/** What people see and get at the end: the tables beside the books, and the bytes of every artifact. */
import pg from 'pg'
import type { Doors } from '@headway/streams/room.ts'
import { isOpen, type Books } from './ledger.ts'

const atOnce = 32

/** The tables count what the books count, without asking any read model's code. */
export const tableProblems = async (pgUrl: string, books: Books): Promise<string[]> => {
  const client = new pg.Client({ connectionString: pgUrl })
  await client.connect()
  try {
    const count = async (what: string): Promise<number> => {
      const { rows } = await client.query<{ count: number }>(
        `select count(*)::int4 count from headway.${what}`,
      )
      return rows[0]!.count
    }
    const runs = [...books.runs.values()]
    const versions = [...books.versions.values()].reduce((sum, list) => sum + list.length, 0)
    const completed = runs.filter(({ end }) => end?.type === 'RunCompleted').length
    const superseded = runs.filter(({ isSuperseded }) => isSuperseded).length
    const wanted: Readonly<Record<string, number>> = {
      asset_versions: versions,
      runs: runs.length,
      "runs where status = 'completed'": completed,
      "runs where status = 'superseded'": superseded,
      "runs where status = 'dead_lettered'": 0,
      "runs where status in ('pending', 'running', 'retrying')": runs.filter(isOpen).length,
    }
    const problems: string[] = []
    for (const [what, number] of Object.entries(wanted)) {
      const found = await count(what)
      if (found !== number) problems.push(`${what}: ${found} rows, the log has ${number}`)
    }
    return problems
  } finally {
    await client.end()
  }
}

/** Every artifact's bytes are there and are what their digest says. */
export const missingBytes = async ({ content }: Doors, { runs }: Books): Promise<string[]> => {
  const digests = new Set<string>()
  for (const { artifacts } of runs.values())
    for (const { renditions } of artifacts) for (const { digest } of renditions) digests.add(digest)
  const rest = digests.values()
  const problems: string[] = []
  const read = async () => {
    for (const digest of rest) {
      const problem = await content.get('default', digest).then(
        (bytes) => (bytes ? null : 'there are none'),
        (error: unknown) => String(error),
      )
      if (problem !== null) problems.push(`bytes of ${digest}: ${problem}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, read))
  return problems
}
