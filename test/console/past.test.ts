/** Time travel in the browser: the same screens as they were, from change to change, and nothing to press. */
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumPath, furnish, loaded, openConsole, type Console } from './browser.ts'

describe.runIf(chromiumPath)('looking back', () => {
  let console_: Console
  let made: Awaited<ReturnType<typeof furnish>>
  beforeAll(async () => {
    console_ = await openConsole()
    made = await furnish(console_.api)
  })
  afterAll(async () => {
    await console_.close()
  })

  /** The commit that says this of a run. */
  const seqOf = async (run: string, type: string): Promise<number> => {
    const commits: { seq: number; events: { type: string }[] }[] = await console_.api.get(
      `/log?q=${run}&type=${type}`,
    )
    return commits[0]!.seq
  }

  test('a run is shown as it was, and stepped through from change to change', async () => {
    const died = await seqOf(made.dead, 'RunDeadLettered')
    const failed = await seqOf(made.dead, 'StepFailed')
    const started = await seqOf(made.dead, 'RunStarted')
    const page = await console_.open(`/runs/${made.dead}`)
    const state = page.locator('.page-title .state').first()
    await state.getByText('dead').waitFor()
    await page.getByText('Look back').click()
    await page.getByRole('button', { name: '‹ Previous change' }).click()
    await page.waitForURL(new RegExp(`asOf=${failed}$`))
    const banner = page.locator('.past')
    await banner.getByText(`As of #${failed}`).waitFor()
    await state.getByText('running').waitFor()
    await page.getByText('line 3 has no amount').waitFor()

    await banner.getByRole('button', { name: '‹ Previous change' }).click()
    await banner.getByText(`As of #${started}`).waitFor()
    await page.getByText('line 3 has no amount').waitFor({ state: 'detached' })
    await banner.getByRole('button', { name: 'Next change ›' }).click()
    await banner.getByText(`As of #${failed}`).waitFor()
    await banner.getByRole('button', { name: 'Next change ›' }).click()
    await banner.getByText(`As of #${died}`).waitFor()
    await state.getByText('dead').waitFor()
    await banner.getByRole('button', { name: 'Next change ›' }).click()
    await page.getByText('There is no later change').waitFor()

    await page.goBack()
    await banner.getByText(`As of #${failed}`).waitFor()
    await banner.getByRole('button', { name: 'Back to now' }).click()
    await banner.waitFor({ state: 'detached' })
    expect(new URL(page.url()).search).toBe('')
  })

  test('it goes along from screen to screen, and nothing can be changed', async () => {
    const seq = await seqOf(made.done, 'RunCompleted')
    const page = await console_.open(`/pipelines/${made.id}?asOf=${seq}`)
    await page.locator('.past').getByText(`As of #${seq}`).waitFor()
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0)
    await page.getByRole('navigation').getByRole('link', { name: 'Runs' }).click()
    await page.waitForURL(new RegExp(`/runs\\?asOf=${seq}$`))
    await page.locator('tbody tr').first().waitFor()
    expect(await page.locator('tbody tr').count()).toBe(1)
    await page.locator('tbody tr').getByRole('link').first().click()
    await page.waitForURL(new RegExp(`asOf=${seq}$`))
    await page.locator('.past').waitFor()
  })

  test.for([
    [
      'a release',
      (): string => `/pipelines/${made.id}?tab=releases`,
      /Activate|Canary|Roll back|Return/,
    ],
    ['a dead letter', (): string => '/dead-letters', /Redrive/],
    ['a question', (): string => '/approvals', /Answer/],
    ['a question of a run', (): string => `/runs/${made.asking}`, /Answer|Cancel run/],
    ['an asset', (): string => '/assets?add=1', /Add a feed|Copy/],
    ['a worker', (): string => '/workers', /Drain/],
  ] as const)('nothing can be done to %s', async ([, path, verbs]) => {
    const { seq } = await console_.api.world.doors.log.head()
    const page = await console_.open(path())
    await page.getByRole('button', { name: verbs }).first().waitFor()
    const mark = path().includes('?') ? '&' : '?'
    await page.goto(`${console_.url}${path()}${mark}asOf=${seq}`)
    await page.locator('.past').getByText(`As of #${seq}`).waitFor()
    await page.locator('main .card').first().waitFor()
    await loaded(page)
    expect(await page.locator('main').getByRole('button', { name: verbs }).count()).toBe(0)
  })

  test('a screen that knows only now says so', async () => {
    const page = await console_.open('/events?asOf=5')
    const banner = page.locator('.past')
    await banner.getByText('this screen always shows now').waitFor()
    expect(await banner.getByRole('button').allTextContents()).toEqual(['Back to now'])
  })

  test('on a phone the way back in time is on the screen as a whole', async () => {
    const page = await console_.open('/')
    await page.setViewportSize({ width: 390, height: 844 })
    for (const path of ['/', '/assets/in/orders', '/workers']) {
      await page.goto(console_.url + path)
      await page.getByText('Look back').click()
      const box = (await page.locator('.look-back form').boundingBox())!
      expect(box.x).toBeGreaterThanOrEqual(0)
      expect(box.x + box.width).toBeLessThanOrEqual(390)
    }
  })

  test.for(['light', 'dark'] as const)(
    'everybody can use it, on a phone as well, %s',
    async (scheme) => {
      const page = await console_.open(`/runs/${made.dead}`, scheme)
      const look = async (): Promise<void> => {
        await page.evaluate(axe.source)
        const { violations } = (await page.evaluate(
          `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })`,
        )) as { violations: readonly { id: string }[] }
        expect(violations.map(({ id }) => id)).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
      }
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 844 })
        await page.goto(`${console_.url}/runs/${made.dead}`)
        await page.getByText('Look back').click()
        await look()
        await page.goto(`${console_.url}/runs/${made.dead}?asOf=5`)
        await page.locator('.past').getByText('As of #5').waitFor()
        await look()
      }
    },
  )

  test('what cannot be shown says why, and leads back', async () => {
    const page = await console_.open('/pipelines?asOf=999999')
    await page.locator('.past').getByText('the log ends at').waitFor()
    await page.locator('.past').getByRole('button', { name: 'Back to now' }).click()
    await page.getByRole('link', { name: made.id }).first().waitFor()
  })
})
