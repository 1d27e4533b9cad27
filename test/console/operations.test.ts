/** The screens of whoever runs Headway: streams, projections, audit; and the way to anything by keys. */
import axe from 'axe-core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectTo, type Connection } from '@headway/streams/connect.ts'
import { until } from '../harness.ts'
import { chromiumPath, furnish, openConsole, type Console } from './browser.ts'

const daysNanos = 86_400e9

describe.runIf(chromiumPath)('who runs Headway', () => {
  let console_: Console
  let made: Awaited<ReturnType<typeof furnish>>
  let connection: Connection
  let pool: pg.Pool
  beforeAll(async () => {
    console_ = await openConsole()
    made = await furnish(console_.api)
    const { nats, postgres } = console_.api.world
    connection = await connectTo(nats.url, 'somebody')
    pool = new pg.Pool({ connectionString: postgres!.url, max: 1 })
  })
  afterAll(async () => {
    await pool.end()
    await connection.close()
    await console_.close()
  })

  test('sees what a stream holds, and at once what somebody changed on the server', async () => {
    const page = await console_.open('/streams')
    const faults = page.locator('.card', { hasText: 'FAULTS' })
    await faults.getByText('as in the code').waitFor()
    await connection.jsm.streams.update('FAULTS', { max_age: 7 * daysNanos })
    const row = faults.getByRole('row', { name: 'max_age' })
    await row.getByText(String(7 * daysNanos)).waitFor()
    await row.getByText(String(30 * daysNanos)).waitFor()
    await page.locator('.strip', { hasText: 'something drifted' }).waitFor()
  })

  test('builds a copy of the tables, finds the row that is wrong, and swaps it away', async () => {
    await pool.query(`update headway.runs set status = 'lost' where run = $1`, [made.done])
    const page = await console_.open('/projections')
    const act = async (name: string, verb = name) => {
      await page.getByRole('button', { name, exact: true }).click()
      await page.getByRole('dialog').getByLabel('Reason').fill('a doubt')
      await page.getByRole('dialog').getByRole('button', { name: verb }).click()
    }
    await act('Build a copy')
    await page.getByText('The copy was built').waitFor()
    await act('Compare')
    const row = page.getByRole('region', { name: 'rows that differ' }).getByRole('row').last()
    await row.getByText('lost').waitFor()
    await row.getByText('completed').waitFor()
    await act('Swap it in')
    await page.getByText('The copy was swapped in').waitFor()
    await page.getByText('by console: a doubt').waitFor()
    const { rows } = await pool.query('select status from headway.runs where run = $1', [made.done])
    expect(rows).toEqual([{ status: 'completed' }])
  })

  test('reads who did what and why, and goes on to the thing and to the event', async () => {
    await console_.api.post('/pipelines/orders/pause', { reason: 'the feed is odd' })
    const page = await console_.open('/audit')
    const row = page.getByRole('row', { name: /Pipeline paused/ })
    await row.getByText('the feed is odd').waitFor()
    await row.getByRole('link', { name: 'ada' }).click()
    expect(new URL(page.url()).search).toBe('?actor=ada')
    await page.getByLabel('To what').selectOption('pipeline')
    await page.getByRole('textbox', { name: 'Did what' }).fill('PipelinePaused')
    await page.keyboard.press('Enter')
    await until('one row', async () => (await page.locator('tbody tr').count()) === 1)
    await row.getByRole('link', { name: 'orders' }).click()
    await page.getByRole('heading', { name: 'orders' }).waitFor()
    await page.goBack()
    await row.getByRole('link', { name: /^event/ }).click()
    await page.getByText('"PipelinePaused"').waitFor()
  })

  test('reads the story of a failure back to the fetch', async () => {
    const page = await console_.open('/events?type=StepFailed')
    await page.locator('.event-row').first().click()
    const chain = page.getByRole('list', { name: 'causes' })
    await chain.getByText('a fetch of http://x').waitFor()
    await chain.getByRole('link', { name: 'in/orders #2' }).waitFor()
    const parts = await chain.getByRole('listitem').allTextContents()
    expect(parts.map((part) => /fetch|was new|asked for|this one|the run/.exec(part)?.[0])).toEqual(
      ['fetch', 'was new', 'asked for', 'this one', 'the run'],
    )
  })

  test('goes to anything by keys alone', async () => {
    const page = await console_.open('/')
    const field = page.getByRole('combobox', { name: 'go to a screen' })
    const goTo = async (words: string) => {
      await page.keyboard.press('Control+k')
      await field.waitFor()
      await page.keyboard.type(words)
    }
    await goTo('in/ord')
    await page.getByRole('option', { name: 'in/orders' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'in/orders' }).waitFor()
    await goTo(made.dead.toLowerCase())
    await page.keyboard.press('Enter')
    await until('the run', () => page.url().endsWith(made.dead))
    await goTo('orders')
    await page.getByRole('option', { name: 'orders pipeline' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'orders', exact: true }).waitFor()
    await goTo('strea')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Streams' }).waitFor()
    await goTo('nowhere at all')
    await page.getByText('Nothing here is called').waitFor()
    await page.keyboard.press('Escape')
    await field.waitFor({ state: 'detached' })
  })

  test.for(['light', 'dark'] as const)('may see the palette as well, %s', async (scheme) => {
    const page = await console_.open('/', scheme)
    await page.keyboard.press('Control+k')
    await page.getByRole('option', { name: 'Overview' }).waitFor()
    await page.evaluate(axe.source)
    const { violations } = (await page.evaluate(
      `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })`,
    )) as { violations: { id: string; nodes: { html: string }[] }[] }
    expect(violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`)).toEqual([])
  })

  test('no page complained', () => {
    expect(console_.complaints).toEqual([])
  })
})
