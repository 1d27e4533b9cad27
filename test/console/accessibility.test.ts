import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../harness.ts'
import { chromiumPath, furnish, furnishConfig, openConsole, type Console } from './browser.ts'

const screens = [
  '/',
  '/runs',
  '/runs/DEAD',
  '/runs/DEAD?view=data',
  '/runs/DEAD?view=graph',
  '/runs/DEAD?view=compare',
  '/runs/DEAD?view=events',
  '/assets',
  '/assets/in/orders',
  '/assets/in/orders?tab=used',
  '/dead-letters',
  '/pipelines',
  '/pipelines/orders',
  '/pipelines/orders?tab=releases',
  '/events',
  '/approvals',
  '/workers',
  '/streams',
  '/projections',
  '/audit',
  '/config',
  '/config?tab=changes',
  '/config?tab=difference',
  '/config?tab=sinks&sink=kv',
  '/config?tab=drift',
  '/assets/in/orders?version=SECOND',
  '/runs/ASKING',
  '/system',
]
const screensMs = 240_000
type Found = {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

describe.runIf(chromiumPath)('everybody can use it', () => {
  let console_: Console
  let pathOf = (screen: string) => screen
  beforeAll(async () => {
    console_ = await openConsole()
    const { dead, asking, second } = await furnish(console_.api)
    await furnishConfig(console_.api)
    pathOf = (screen) =>
      screen.replace('DEAD', dead).replace('ASKING', asking).replace('SECOND', second)
  })
  afterAll(async () => {
    await console_.close()
  })

  test.for(['light', 'dark'] as const)(
    'no screen breaks WCAG AA, %s',
    { timeout: screensMs },
    async (scheme) => {
      const page = await console_.open('/', scheme)
      const found: string[] = []
      for (const screen of screens) {
        await page.goto(console_.url + pathOf(screen))
        await page.locator('h1').waitFor()
        await until('the screen', async () => (await page.locator('.skeleton').count()) === 0)
        await page.evaluate(axe.source)
        const { violations } = (await page.evaluate(
          `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })`,
        )) as Found
        for (const { id, nodes } of violations) found.push(`${screen} ${id} ${nodes[0]?.html}`)
      }
      expect(found).toEqual([])
    },
  )

  test('nothing is wider than a phone', { timeout: screensMs }, async () => {
    const page = await console_.open('/')
    await page.setViewportSize({ width: 390, height: 844 })
    const wide: string[] = []
    for (const screen of screens) {
      await page.goto(console_.url + pathOf(screen))
      await page.locator('h1').waitFor()
      await until('the screen', async () => (await page.locator('.skeleton').count()) === 0)
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      if (Number(over) > 0) wide.push(screen)
    }
    expect(wide).toEqual([])
  })
})
