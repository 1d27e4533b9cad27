import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, furnish, openConsole, told, type Console } from './browser.ts'
import { codeA, codeB } from '../api-world.ts'

describe.runIf(chromiumPath)('what people do in the console', () => {
  let console_: Console
  let made: Awaited<ReturnType<typeof furnish>>
  beforeAll(async () => {
    console_ = await openConsole()
    made = await furnish(console_.api)
  })
  afterAll(async () => {
    await console_.close()
  })

  test('the overview counts what needs somebody, and a click shows it', async () => {
    const page = await console_.open('/')
    await page.locator('.counter', { hasText: 'Dead letters' }).getByText('1').waitFor()
    await page.locator('.counter', { hasText: 'Questions' }).click()
    await page.getByRole('heading', { name: 'Approvals' }).waitFor()
  })

  test('a run that failed opens at the step that failed, with what it said', async () => {
    const page = await console_.open(`/runs/${made.dead}`)
    await page.getByText('line 3 has no amount').waitFor()
    await page.getByText('amount_missing').waitFor()
    const sentence = page.locator('.sentence')
    await sentence.getByRole('link', { name: 'in/orders #2' }).click()
    await page.getByRole('heading', { name: 'in/orders' }).waitFor()
  })

  test('the difference to the last success names the input that is another one', async () => {
    const page = await console_.open(`/runs/${made.dead}?view=compare`)
    await page.getByRole('cell', { name: 'input feed' }).waitFor()
    await page.getByRole('cell', { name: 'it broke' }).waitFor()
  })

  test('runs are filtered by the address, and a filter is kept under a name', async () => {
    const page = await console_.open('/runs')
    await page.getByRole('button', { name: 'Failed', exact: true }).click()
    expect(new URL(page.url()).search).toBe('?status=bad')
    await page.locator('tbody tr').first().waitFor()
    await page.getByLabel('name for this filter').fill('the bad ones')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.goto(`${console_.url}/runs`)
    await page.getByRole('button', { name: 'the bad ones' }).click()
    expect(new URL(page.url()).search).toBe('?status=bad')
  })

  test('runs are found by words, in what the API knows and not only in what is shown', async () => {
    const page = await console_.open('/runs')
    await page.getByRole('searchbox', { name: 'Search' }).fill('it broke')
    await page.waitForURL(/q=it\+broke/)
    await page.locator('tbody tr').nth(1).waitFor({ state: 'detached' })
    expect(await page.locator('tbody tr').getAttribute('data-row')).toBe(`/runs/${made.dead}`)
    await page.getByRole('searchbox', { name: 'Search' }).fill('nothing like it')
    await page.getByText('No run is like this').waitFor()
  })

  test('chosen runs are redriven once it is told which of them', async () => {
    const page = await console_.open('/runs')
    await page.getByLabel('choose all rows').check()
    await page.getByRole('button', { name: 'Redrive…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('1 of orders').waitFor()
    await dialog.getByText('it completed').waitFor()
    await dialog.getByText('it has not ended').waitFor()
    await dialog.getByRole('button', { name: 'Not now' }).click()
    expect(await console_.api.told('RedriveRequested')).toEqual([])
  })

  test('an event is told as it happens, without loading the page again', async () => {
    const page = await console_.open('/runs?status=cancelled')
    await page.getByText('No run is like this').waitFor()
    const run = await console_.api.run(made.id)
    await console_.api.ended('RunCancelled', made.id, run)
    await page.locator(`tr[data-row="/runs/${run}"]`).waitFor()
  })

  test('a version is held against the one before it', async () => {
    const page = await console_.open('/assets/in/orders')
    await page.getByRole('button', { name: '#2', exact: true }).click()
    await page.getByRole('heading', { name: '#1 → #2' }).waitFor()
    const added = page.locator('tr', { hasText: '+ added' })
    await added.filter({ hasText: 'price4' }).waitFor()
    await page.getByRole('region', { name: 'what differs' }).getByText('+2').waitFor()
  })

  test('dead letters are redriven after a dry run', async () => {
    const page = await console_.open('/dead-letters')
    await page.getByRole('button', { name: 'Redrive…' }).click()
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('1 of 1 would be redriven').waitFor()
    await page.getByRole('button', { name: 'Redrive 1 now' }).click()
    await told(console_.api, 'RedriveRequested')
  })

  test('runs that failed at once are redriven in bulk as well', async () => {
    const { api } = console_
    const failed = await api.run(made.id)
    await api.started(made.id, failed)
    await api.ended('RunFailed', made.id, failed, { error: { type: 'Torn', message: 'cut off' } })
    await api.settled()
    const page = await console_.open('/dead-letters')
    const row = page.locator('tbody tr', { hasText: 'Torn' })
    await row.getByRole('button', { name: 'Redrive…' }).click()
    await page.getByRole('heading', { name: 'Redrive 1 run that ended with Torn' }).waitFor()
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByRole('button', { name: 'Redrive 1 now' }).waitFor()
  })

  test('a feed is added by a command that the screen makes', async () => {
    const page = await console_.open('/')
    await page.getByRole('link', { name: 'Add a feed' }).click()
    await page.getByLabel('Address').fill("http://example.org/it's.zip?a=1&b=2")
    await page.getByLabel('Look every').fill('5m')
    const command = `npm run headway -- add 'http://example.org/it'\\''s.zip?a=1&b=2' --every 5m`
    await page.getByText(command, { exact: true }).waitFor()
    await page.getByRole('button', { name: 'close' }).click()
    await page.getByLabel('Address').waitFor({ state: 'detached' })
  })

  test('a pipeline that runs seldom keeps its bars when others run all the time', async () => {
    const page = await console_.open('/pipelines')
    await page.getByRole('img', { name: /^last [1-9]/ }).waitFor()
    const bars = await page.getByRole('img', { name: /^last/ }).getAttribute('aria-label')
    await page.route(/runs\?limit=200/, (route) => route.fulfill({ json: [] }))
    await page.reload()
    await page.getByRole('img', { name: bars!, exact: true }).waitFor()
  })

  test('a release is activated after its difference is read, and taken back', async () => {
    const page = await console_.open('/pipelines/orders?tab=releases')
    await page.getByRole('button', { name: 'Activate' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Steps:').waitFor()
    await dialog.getByLabel('Reason').fill('better code')
    await dialog.getByRole('button', { name: 'Activate' }).click()
    await page.getByRole('button', { name: `Roll back to ${codeA.slice(0, 7)}` }).click()
    await dialog.getByText('one begins on the newest inputs').waitFor()
    await dialog.getByRole('button', { name: 'Not now' }).click()
    const activated = await console_.api.told('ReleaseActivated')
    expect(activated.at(-1)).toMatchObject({
      pipelineVersion: codeB,
      actor: { name: 'console', reason: 'better code' },
    })
  })

  test('the steps of a version that is not the active one are drawn', async () => {
    const page = await console_.open('/pipelines/orders')
    await page.getByLabel('of version').selectOption({ index: 1 })
    await page.waitForURL(/version=[ab]{12}/)
    await page.locator('.dag text', { hasText: 'second' }).first().waitFor()
  })

  test('a pipeline is paused, and resumed by the way back', async () => {
    const page = await console_.open('/pipelines/orders')
    const pause = async () => {
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    }
    await pause()
    // The way back is offered for some seconds only: nothing is waited for before.
    await page.getByRole('button', { name: 'Undo' }).click()
    await told(console_.api, 'PipelineResumed')
    await console_.api.settled()
    await pause()
    await page.locator('.beside .state', { hasText: 'paused' }).waitFor()
  })

  test('a run is asked about on its own page, and the inbox has the same form', async () => {
    const page = await console_.open(`/runs/${made.asking}`)
    await page.getByRole('heading', { name: /asks$/ }).waitFor()
    await page.getByRole('checkbox', { name: 'ok' }).waitFor()
    await page.getByRole('button', { name: 'Copy as nats command' }).waitFor()
    await page.goto(`${console_.url}/approvals`)
    await page.getByRole('checkbox', { name: 'ok' }).check()
    await page.getByRole('button', { name: 'Answer' }).click()
    await told(console_.api, 'InteractionCompleted')
    const [answer] = await console_.api.told('InteractionCompleted')
    expect(answer).toMatchObject({ response: { ok: true } })
  })

  test('an event is opened with what caused it, and as a command', async () => {
    const page = await console_.open('/events?type=StepFailed')
    await page.locator('.event-row').first().click()
    await page.getByRole('list', { name: 'causes' }).getByText('in/orders #2').waitFor()
    await page.getByRole('button', { name: 'Copy as nats command' }).waitFor()
  })

  test('a worker is drained', async () => {
    const page = await console_.open('/workers')
    await page.getByRole('button', { name: 'Drain' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click()
    await told(console_.api, 'WorkerDrainRequested')
  })

  test('the keyboard goes everywhere and walks rows', async () => {
    const page = await console_.open('/')
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    await page.locator('tbody tr').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'Timeline' }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('search on this screen').waitFor()
  })

  test('no page complained, and the strict policy forbade nothing', () => {
    expect(console_.complaints).toEqual([])
  })
})
