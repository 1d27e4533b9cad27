import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  furnish,
  furnishConfig,
  loaded,
  openConsole,
  type Console,
} from './browser.ts'

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
/** What a scheme can break is what colours can. */
const rulesOf = {
  light: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'],
  dark: ['color-contrast', 'link-in-text-block'],
}
type Found = {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

describe.runIf(chromiumPath)('everybody can use it', () => {
  let console_: Console
  const broken: Record<'light' | 'dark', string[]> = { light: [], dark: [] }
  const wide: string[] = []

  beforeAll(async () => {
    console_ = await openConsole()
    const { dead, asking, second } = await furnish(console_.api)
    await furnishConfig(console_.api)
    const page = await console_.open('/')
    for (const screen of screens) {
      const path = screen.replace('DEAD', dead).replace('ASKING', asking).replace('SECOND', second)
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.goto(console_.url + path)
      await page.locator('h1').waitFor()
      await loaded(page)
      await page.evaluate(axe.source)
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme })
        const { violations } = (await page.evaluate(
          `axe.run(document, { runOnly: ${JSON.stringify(rulesOf[scheme])} })`,
        )) as Found
        for (const { id, nodes } of violations)
          broken[scheme].push(`${screen} ${id} ${nodes[0]?.html}`)
      }
      await page.setViewportSize({ width: 390, height: 844 })
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      if (Number(over) > 0) wide.push(screen)
    }
  }, screensMs)
  afterAll(async () => {
    await console_.close()
  })

  test.for(['light', 'dark'] as const)('no screen breaks WCAG AA, %s', (scheme) => {
    expect(broken[scheme]).toEqual([])
  })

  test('nothing is wider than a phone', () => {
    expect(wide).toEqual([])
  })
})
