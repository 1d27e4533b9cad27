/** Configuration in the console: what changed, what differs, what is held, and the way back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  chromiumPath,
  firstCommit as first,
  furnishConfig,
  openConsole,
  type Console,
} from './browser.ts'

describe.runIf(chromiumPath)('configuration in the console', () => {
  let open: Console
  beforeAll(async () => {
    open = await openConsole()
    await furnishConfig(open.api)
  })
  afterAll(async () => {
    await open.close()
  })

  test('who changed which key is found by its name', async () => {
    const page = await open.open('/config?tab=changes')
    await page.getByRole('searchbox', { name: 'Key' }).fill('db.h*')
    await page.getByRole('searchbox', { name: 'Key' }).press('Enter')
    const row = page.locator('tbody tr', { hasText: 'db2' })
    await row.getByText('db1').waitFor()
    await page.getByRole('cell', { name: 'new', exact: true }).waitFor({ state: 'detached' })
    expect(new URL(page.url()).search).toBe('?tab=changes&key=db.h*')
  })

  test('two commits are held against each other, key by key', async () => {
    const page = await open.open('/config?tab=difference')
    const row = (key: string) => page.locator('tbody tr', { hasText: key })
    await row('db.host').getByText('~ changed').waitFor()
    await row('new').getByText('+ added').waitFor()
    await row('old').getByText('− deleted').waitFor()
    expect(await page.getByText('db.password').count()).toBe(0)
  })

  test('the way back is told before it is gone', async () => {
    const page = await open.open(`/config?tab=difference&environment=production&from=${first}`)
    await page.getByRole('button', { name: `Back to ${first.slice(0, 9)}` }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('3 keys are').waitFor()
    await dialog.getByRole('listitem').filter({ hasText: 'old' }).getByText('+ added').waitFor()
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 })
      expect(await dialog.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0)
    }
    await dialog.getByLabel('Reason').fill('the new host is down')
    await dialog.getByRole('button', { name: 'Put 3 keys back' }).waitFor()
  })

  test('what a sink holds is listed, and secrets are not', async () => {
    const page = await open.open('/config?tab=sinks')
    await page.getByText('1 keys differ').waitFor()
    await page.getByRole('button', { name: 'kv', exact: true }).click()
    const secret = page.locator('tbody tr', { hasText: 'db.password' })
    await secret.getByText('secret 9f86').waitFor()
    expect(await page.content()).not.toContain('c2VhbGVk')
  })

  test('drift leads to the key that drifted', async () => {
    const page = await open.open('/config?tab=drift')
    await page.getByRole('link', { name: 'db.host' }).click()
    await page.getByRole('heading', { name: 'What kv holds' }).waitFor()
    await page.getByText('db2').waitFor()
  })

  test('no page complained', () => {
    expect(open.complaints).toEqual([])
  })
})
