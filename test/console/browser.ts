/**
 * The console in a real Chromium, over a real log, a real Postgres and the real API. Where there is no
 * Chromium the tests are skipped and say so; `HEADWAY_TEST_REQUIRE=chromium` makes that an error.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import { chromium, type Browser, type Page } from 'playwright-core'
import { ApiWorld, codeA, codeB } from '../api-world.ts'
import { onPath } from '../sinks/installed.ts'
import { until } from '../harness.ts'

export const chromiumPath = onPath('chromium', 'chromium')

/** A machine without a way out must not wait for what Chromium asks of its maker. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export type Console = {
  readonly api: ApiWorld
  readonly url: string
  /**
   * A page of its own: nothing is remembered from another test, whose page goes. What breaks in it is an
   * error.
   */
  open(path: string, scheme?: 'light' | 'dark'): Promise<Page>
  /** What pages complained about. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

/** Nothing on the page is waited for any more. */
export const loaded = async (page: Page): Promise<void> => {
  await until('the screen', async () => (await page.locator('.skeleton').count()) === 0)
}

/** Who cannot look into the tables for a second says 503, and is asked again. */
const isSlow = (complaint: string): boolean => /status of 503\b/.test(complaint)

export const openConsole = async (): Promise<Console> => {
  const api = await ApiWorld.open()
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 })
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath!, args: quiet })
  const complaints: string[] = []
  let close = async () => {}
  return {
    api,
    url,
    complaints,
    async open(path, colorScheme = 'light') {
      await close()
      const context = await browser.newContext({
        colorScheme,
        viewport: { width: 1280, height: 900 },
      })
      close = () => context.close()
      const page = await context.newPage()
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('console', (message) => {
        if (message.type() === 'error' && !isSlow(message.text())) complaints.push(message.text())
      })
      await page.goto(url + path)
      await page.locator('h1').waitFor()
      // The title is set by what listens to keys as well, a moment after the first drawing.
      await until('the page to listen', async () => (await page.title()).endsWith(' · Headway'))
      return page
    },
    async close() {
      await browser.close()
      await api.close()
    },
  }
}

/** One of everything that a screen shows: a success, a death, a question, two releases, a worker. */
export const furnish = async (api: ApiWorld) => {
  const id = 'orders'
  await api.pipeline(id)
  await api.worker('w1', { [id]: codeA })
  const one = await api.version(`in/${id}`, 1, 'item,price\na,1\nb,2\n')
  const two = await api.version(`in/${id}`, 2, 'item,price\na,1\nb,3\nc,4\n')
  const step = {
    step: 'first',
    index: 0,
    startedAt: '2026-11-21T00:00:00.010Z',
    endedAt: '2026-11-21T00:00:00.020Z',
    durationMs: 10,
    rowsIn: 5,
  }
  const done = await api.run(id, { triggeredBy: [one], inputs: { feed: one } })
  await api.started(id, done)
  await api.tell('run', id, {
    type: 'StepSucceeded',
    ...api.fence(id, done),
    ...step,
    rowsOut: 5,
    logs: ['read 5 rows'],
    findings: [],
  })
  await api.ended('RunCompleted', id, done)
  const dead = await api.run(id, { triggeredBy: [two], inputs: { feed: two } })
  await api.started(id, dead)
  await api.tell('run', id, {
    type: 'StepFailed',
    ...api.fence(id, dead),
    ...step,
    logs: ['line 3 has no amount'],
    findings: [{ code: 'amount_missing', severity: 'error', message: 'no amount', count: 1 }],
    error: { type: 'Boom', message: 'it broke' },
  })
  await api.ended('RunDeadLettered', id, dead)
  const { run: asking, interaction } = await api.asking(id)
  await api.release(id, codeB)
  await api.settled()
  return { id, done, dead, asking, interaction, second: two.version }
}

const configAt = '2026-11-21T00:00:00.000Z'
export const firstCommit = 'a1'.repeat(20)
const secondCommit = 'b2'.repeat(20)
type Entry = EventOf<'ValuesApplied'>['entries'][number]

const set = (key: string, value: string, previous?: string): Entry => ({
  key,
  file: 'config/app.yaml',
  op: 'set',
  value: { plain: value },
  ...(previous === undefined ? {} : { previous: { plain: previous } }),
})

/** Two commits that reached a sink, a secret among their values, and a drift since. */
export const furnishConfig = async (api: ApiWorld) => {
  const applied = (commit: string, run: string, ...entries: Entry[]) =>
    api.tell('sink', 'kv', {
      type: 'ValuesApplied',
      v: 1,
      at: configAt,
      sink: 'kv',
      environment: 'production',
      rule: 'shop',
      run,
      repository: 'acme/shop',
      commit,
      entries,
    })
  await api.tell('sink', 'kv', {
    type: 'SinkDefined',
    v: 1,
    at: configAt,
    sink: 'kv',
    definition: { type: 'nats_kv', options: { bucket: 'shop' } },
  })
  const secret = {
    digest: '9f86d081884c7d659a2feaa0c55ad015'.repeat(2),
    sealed: Buffer.from('sealed').toString('base64'),
  }
  await applied(firstCommit, '01M7XYZP2ZR5ZG15R7ZX64S5R1', set('db.host', 'db1'), set('old', '1'), {
    key: 'db.password',
    file: 'config/app.yaml',
    op: 'set',
    value: secret,
  })
  await applied(
    secondCommit,
    '01M7XYZP2ZR5ZG15R7ZX64S5R2',
    set('db.host', 'db2', 'db1'),
    set('new', 'x'),
    { key: 'old', file: 'config/app.yaml', op: 'delete', previous: { plain: '1' } },
  )
  await api.tell('sink', 'kv', {
    type: 'DriftFound',
    v: 1,
    at: configAt,
    sink: 'kv',
    environment: 'production',
    rule: 'shop',
    repository: 'acme/shop',
    keys: ['db.host'],
    count: 1,
  })
  await api.settled()
}

/** Waits for a fact on the log that somebody's click brought about. */
export const told = <T extends Parameters<ApiWorld['told']>[0]>(api: ApiWorld, type: T) =>
  until(type, async () => (await api.told(type)).length > 0)
