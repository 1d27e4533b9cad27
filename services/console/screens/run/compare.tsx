/** What is different from the last run that succeeded, the largest difference first. */
import type { ReactNode } from 'react'
import { never, useApi } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import type { Run, Step } from '../../api/types.ts'
import { Link, paths } from '../../router.tsx'
import { Card, Empty, Id, Loaded } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { durationOf } from '../../ui/time.tsx'
import { VersionLink } from './data.tsx'

type Difference = {
  readonly what: string
  readonly before: ReactNode
  readonly now: ReactNode
  readonly weight: number
}

const stepDifferences = (before: Step | undefined, now: Step): Difference[] => {
  const found: Difference[] = []
  const what = `step ${now.id}`
  if (!before) return [{ what, before: '–', now: 'is new', weight: 80 }]
  if (before.status !== now.status)
    found.push({ what, before: before.status, now: now.error?.message ?? now.status, weight: 100 })
  if (before.rowsOut !== now.rowsOut && now.rowsOut !== null)
    found.push({
      what: `rows out of ${now.id}`,
      before: before.rowsOut,
      now: now.rowsOut,
      weight: 30 + Math.min(30, Math.abs((before.rowsOut ?? 0) - now.rowsOut)),
    })
  const [a, b] = [before.durationMs ?? 0, now.durationMs ?? 0]
  if (b > a * 2 && b - a > 5)
    found.push({
      what: `duration of ${now.id}`,
      before: durationOf(a),
      now: durationOf(b),
      weight: 20,
    })
  return found
}

const differences = (before: Run, now: Run): Difference[] => {
  const found: Difference[] = []
  if (before.pipelineVersion !== now.pipelineVersion)
    found.push({
      what: 'code',
      before: <code>{before.pipelineVersion}</code>,
      now: <code>{now.pipelineVersion}</code>,
      weight: 90,
    })
  for (const [slot, ref] of Object.entries(now.inputs)) {
    const old = before.inputs[slot]
    if (old?.version !== ref.version)
      found.push({
        what: `input ${slot}`,
        before: old ? <VersionLink of={old} /> : '–',
        now: <VersionLink of={ref} />,
        weight: old?.digest === ref.digest ? 5 : 50,
      })
  }
  for (const step of now.steps)
    found.push(
      ...stepDifferences(
        before.steps.find(({ id }) => id === step.id),
        step,
      ),
    )
  return found.toSorted((a, b) => b.weight - a.weight)
}

export const Compare = ({ run }: { readonly run: Run }) => {
  const successes = useApi(
    addressOf('GET /api/v1/runs', {
      query: {
        pipeline: run.pipelineId,
        status: ['completed'],
        until: run.requestedAt,
        limit: 5,
      },
    }),
    never,
  )
  const last = successes.data?.find(({ id, canary }) => id !== run.id && !canary)
  const before = useApi(
    last ? addressOf('GET /api/v1/runs/{id}', { path: { id: last.id } }) : null,
    never,
  )
  if (successes.data && !last)
    return (
      <Card>
        <Empty title="No run succeeded before this one">
          There is nothing to compare with yet.
        </Empty>
      </Card>
    )
  return (
    <Loaded result={before}>
      {(data) => {
        const found = differences(data, run)
        return (
          <Card
            title="Different from the last success"
            beside={
              <Link to={paths.run(data.id)}>
                <Id of={data.id} />
              </Link>
            }
          >
            {found.length > 0 ? (
              <Table
                label="differences"
                rows={found}
                keyOf={({ what }) => what}
                columns={[
                  { name: 'What', cell: ({ what }) => what },
                  { name: 'Then', cell: ({ before: then }) => then },
                  { name: 'Now', className: 'strong', cell: ({ now }) => now },
                ]}
              />
            ) : (
              <Empty title="Nothing is different">Same code, same inputs, same results.</Empty>
            )}
          </Card>
        )
      }}
    </Loaded>
  )
}
