import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import { until } from '../harness.ts'
import { chromiumPath, openConsole, type Console } from './browser.ts'

const steps = 500
const commits = 900
/** Each commit is on disk before the next one. */
const furnishMs = 180_000

describe.runIf(chromiumPath)('much of it', () => {
  let open: Console
  let run = ''
  beforeAll(async () => {
    open = await openConsole()
    const { api } = open
    await api.pipeline('wide')
    run = await api.run('wide')
    await api.started('wide', run)
    const fence = api.fence('wide', run)
    const at = '2026-11-21T00:00:01.000Z'
    const plain = { startedAt: at, endedAt: at, durationMs: 1, rowsIn: 1, logs: [], findings: [] }
    const done = (index: number): Event => ({
      type: 'StepSucceeded',
      ...fence,
      step: `step_${index}`,
      index,
      ...plain,
      rowsOut: 1,
    })
    const error = { type: 'Boom', message: 'the last one broke' }
    const index = steps - 1
    const last: Event = {
      type: 'StepFailed',
      ...fence,
      step: `step_${index}`,
      index,
      ...plain,
      error,
    }
    await api.tell('run', 'wide', ...Array.from({ length: index }, (_, i) => done(i)), last)
    await api.ended('RunDeadLettered', 'wide', run)
    for (let i = 1; i <= commits; i++) await api.version('in/wide', i)
    await api.settled()
  }, furnishMs)
  afterAll(async () => {
    await open.close()
  })

  test('a run of 500 steps shows all of them, and the one that failed is in view', async () => {
    const page = await open.open(`/runs/${run}`)
    await page.locator('.gantt-row[data-step]').first().waitFor()
    expect(await page.locator('.gantt-row[data-step]').count()).toBe(steps)
    await until('the failed step in view', async () => {
      const box = await page.locator(`[data-step="step_${steps - 1}"]`).boundingBox()
      return box !== null && box.y >= 0 && box.y < 900
    })
  })

  test('of many events only those are drawn that can be seen, and older ones come by scrolling', async () => {
    const page = await open.open('/events?kind=asset')
    await page.locator('.event-row').first().waitFor()
    expect(await page.locator('.event-row').count()).toBeLessThan(80)
    const list = page.getByRole('region', { name: 'events' })
    await list.hover()
    await until('the oldest event', async () => {
      await page.mouse.wheel(0, 20_000)
      return (await list.getByText('#1, 5 bytes').count()) > 0
    })
    expect(await page.locator('.event-row').count()).toBeLessThan(80)
  })
})
