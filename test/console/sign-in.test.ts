import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { examples } from '@headway/schemas/examples.ts'
import { mintToken } from '@headway/schemas/token.ts'
import { chromiumPath, openConsole } from './browser.ts'

/** All servers and the browser are started in the test. */
vi.setConfig({ testTimeout: 90_000 })
const auth = { sessionKey: 'a-key-of-at-least-thirty-two-characters' }

test.runIf(chromiumPath)('whoever has to say who they are hands in a token once', async () => {
  const open = await openConsole()
  const { doors, postgres } = open.api.world
  const database = openDatabase(postgres!.url, doors.logger)
  const app = await buildApp({ ...doors, db: database.db, tenant: 'default', auth })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const { id, token, hash } = mintToken(randomBytes(44))
  const created = { ...examples.TokenCreated, token: id, hash, role: 'operator' as const }
  const expiresAt = '2099-01-01T00:00:00.000Z'
  await open.api.tell('token', id, { ...created, holder: 'grace', expiresAt })
  await open.api.settled()

  const page = await open.open('/')
  await page.goto(`${url}/runs`)
  await page.getByLabel('Token').fill('not-a-token')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Runs' }).waitFor()
  await page.getByText('grace, operator').waitFor()
  await page.locator('.menu-foot').getByText('live').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(await page.context().cookies()).toEqual([])

  await app.close()
  await database.close()
  await open.close()
})
