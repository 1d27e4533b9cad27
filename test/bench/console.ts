/**
 * The console in a real Chromium over a real API: how soon it paints, how soon a run of 500 steps can be
 * worked with, whether 10,000 events scroll evenly, and what a burst of events does to frames. Frames and
 * paints depend on the machine: each figure stands beside that of a bare page in the same browser.
 */
import type { Page } from 'playwright-core'
import type { Event } from '@headway/schemas/events.ts'
import { openConsole, type Console } from '../console/browser.ts'
import { until } from '../harness.ts'
import { figure, percentile, type Figure } from './figure.ts'

const loads = 15
const steps = 500
const eventCount = 10_000
const burstPerSecond = 1_000
const burstSeconds = 5
/** A page of the same server that is nothing but HTML. */
const barePath = '/problems'
const limits = { paintMs: 300, stepsMs: 200 }

const median = (samples: readonly number[]): number => percentile(samples, 0.5)

const furnish = async ({ api }: Console): Promise<string> => {
  await api.pipeline('wide')
  await api.worker('w1', { wide: 'aaaaaaaaaaaa' })
  const run = await api.run('wide')
  await api.started('wide', run)
  const at = '2026-11-21T00:00:01.000Z'
  const done = (index: number): Event => ({
    type: 'StepSucceeded',
    ...api.fence('wide', run),
    step: `step_${index}`,
    index,
    startedAt: at,
    endedAt: at,
    durationMs: 1,
    rowsIn: 1,
    rowsOut: 1,
    logs: [`this is step ${index}`],
    findings: [],
  })
  await api.tell('run', 'wide', ...Array.from({ length: steps }, (_, i) => done(i)))
  await api.ended('RunCompleted', 'wide', run)
  const batch = 500
  for (let i = 1; i <= eventCount; i += batch)
    await Promise.all(Array.from({ length: batch }, (_, j) => api.version(`in/b${j}`, i)))
  await api.settled()
  return run
}

/** Of a page that nobody has seen before: from the first byte asked for to the first thing seen. */
const paintMs = async (console_: Console, path: string): Promise<number> => {
  const page = await console_.open(path)
  const ms = await page.evaluate(
    `new Promise((resolve) => new PerformanceObserver((list) => {
      const [paint] = list.getEntriesByName('first-contentful-paint')
      if (paint) resolve(paint.startTime)
    }).observe({ type: 'paint', buffered: true }))`,
  )
  await page.context().close()
  return Number(ms)
}

const filledMs = async (console_: Console): Promise<number> => {
  const page = await console_.open('/')
  const ms = await page.evaluate(`new Promise((resolve) => {
    const look = () => {
      const isFilled = document.querySelector('.counter b') && !document.querySelector('.skeleton')
      return isFilled ? resolve(performance.now()) : requestAnimationFrame(look)
    }
    look()
  })`)
  await page.context().close()
  return Number(ms)
}

const several = async (count: number, measure: () => Promise<number>): Promise<number[]> => {
  const samples: number[] = []
  for (let i = 0; i < count; i++) samples.push(await measure())
  return samples
}

/** From the click on the run in a list to 500 steps that answer. */
const stepsMs = async (page: Page, run: string): Promise<number> => {
  await page.locator('nav a[href="/runs"]').click()
  await page.locator(`tr[data-row="/runs/${run}"]`).waitFor()
  const ms = await page.evaluate(`new Promise((resolve) => {
    const begin = performance.now()
    const look = () => {
      const rows = document.querySelectorAll('.gantt-row[data-step]')
      if (rows.length < ${steps}) return requestAnimationFrame(look)
      rows[7].click()
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begin)))
    }
    document.querySelector('tr[data-row="/runs/${run}"] a').click()
    look()
  })`)
  await page.getByText('this is step 7').waitFor()
  return Number(ms)
}

/** Times between frames until `window.stopped`. */
const watchFrames = (page: Page): Promise<unknown> =>
  page.evaluate(`(() => {
    window.frames_ = []
    window.stopped = false
    let last = performance.now()
    const next = (now) => {
      window.frames_.push(now - last)
      last = now
      if (!window.stopped) requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })()`)
const framesOf = async (page: Page): Promise<number[]> =>
  (await page.evaluate('window.stopped = true, window.frames_')) as number[]

const scrolled = async (page: Page): Promise<number[]> => {
  await page.mouse.move(600, 500)
  await watchFrames(page)
  for (let i = 0; i < 120; i++) await page.mouse.wheel(0, 1_500)
  return framesOf(page)
}

const eventsPage = async (console_: Console): Promise<Page> => {
  const page = await console_.open('/events?kind=asset')
  await page.locator('.event-row').first().waitFor()
  await page.mouse.move(600, 500)
  const height = `document.querySelector('.events-list').scrollHeight / 36`
  await until(
    'all events',
    async () => {
      await page.mouse.wheel(0, 100_000)
      return Number(await page.evaluate(height)) >= eventCount - 1
    },
    60_000,
  )
  await page.mouse.wheel(0, -1_000_000)
  return page
}

const burst = async ({ api }: Console): Promise<void> => {
  const tenth = burstPerSecond / 10
  const begin = Date.now()
  for (let i = 0; i < burstSeconds * 10; i++) {
    const ordinal = eventCount + 1 + i
    await Promise.all(Array.from({ length: tenth }, (_, j) => api.version(`in/b${j}`, ordinal)))
    const ahead = begin + (i + 1) * 100 - Date.now()
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead))
  }
}

const inBurst = async (console_: Console) => {
  const page = await console_.open('/')
  await page.locator('.counter b').first().waitFor()
  let requests = 0
  page.on('request', () => requests++)
  await watchFrames(page)
  const begin = Date.now()
  await burst(console_)
  const seconds = (Date.now() - begin) / 1_000
  return { frames: await framesOf(page), requests: requests / seconds, seconds }
}

export const run = async (): Promise<Figure[]> => {
  const console_ = await openConsole()
  try {
    const wide = await furnish(console_)
    const bare = median(await several(loads, () => paintMs(console_, barePath)))
    const paint = await several(loads, () => paintMs(console_, '/'))
    const filled = median(await several(loads, () => filledMs(console_)))
    const page = await console_.open('/')
    const interactive = await several(loads, () => stepsMs(page, wide))
    const still = await console_.open(barePath)
    await watchFrames(still)
    await still.waitForTimeout(2_000)
    const idleFrame = percentile(await framesOf(still), 0.95)
    const scrolling = await scrolled(await eventsPage(console_))
    const busy = await inBurst(console_)
    return [
      figure('first paint, median', median(paint), 'ms', limits.paintMs),
      figure('first paint beside a bare page', median(paint), 'ms', bare),
      figure('overview filled, median', filled, 'ms', bare),
      figure(
        `run of ${steps} steps interactive, median`,
        median(interactive),
        'ms',
        limits.stepsMs,
      ),
      figure(
        `frame while ${eventCount} events scroll, p95`,
        percentile(scrolling, 0.95),
        'ms',
        idleFrame,
      ),
      figure(
        `frame in a burst of ${Math.round((burstPerSecond * burstSeconds) / busy.seconds)} events/s, p95`,
        percentile(busy.frames, 0.95),
        'ms',
        idleFrame,
      ),
      figure('longest frame in the burst', Math.max(...busy.frames), 'ms'),
      figure('requests in the burst', busy.requests, '1/s'),
    ]
  } finally {
    await console_.close()
  }
}
