/**
 * Commits that changed nothing because they could not be read, or because what they say cannot be
 * kept. The one model that is not made of events: it is where a poisoned message becomes visible.
 */
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Row } from '@headway/schemas/tables.ts'

const nameMax = 300
const problemMax = 2_000

/** Must be storable whatever the commit was. */
const shown = (name: string): string => name.slice(0, nameMax).replaceAll('\0', '\ufffd')

export const unreadable = {
  table: 'unreadable',
  version: 1,
  row: (commit: Commit, problem: string): Row<'unreadable'> => ({
    tenant: shown(commit.tenant),
    seq: commit.seq,
    subject: shown(`${commit.topic.kind}/${commit.topic.name}`),
    problem: problem.slice(0, problemMax),
    recorded_at: toTimestamp(commit.at),
  }),
} as const
