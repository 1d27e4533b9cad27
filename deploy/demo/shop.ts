/**
 * The demo's repository of configuration: a bare Git repository on disk to which somebody pushes every
 * now and then.
 */
import { execFile } from 'node:child_process'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const repository = 'acme/shop'
const everyMsDefault = 20_000

export type Shop = { readonly stop: () => Promise<void> }
export type ShopOptions = {
  /** Repositories are below it. */
  readonly directory: string
  readonly everyMs?: number
  readonly onProblem: (message: string) => void
}

/** Where the repositories of a data directory are, as a source names them. */
export const shopUrl = (directory: string): string => pathToFileURL(directory).href

const run = promisify(execFile)
const identity = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
}

export const hasGit = (): Promise<boolean> =>
  run('git', ['--version']).then(
    () => true,
    () => false,
  )

const settingsAt = (count: number): string => `# What the demo's shop is configured with.
shop:
  name: Corner shop
  open: ${count % 2 === 0}
checkout:
  timeoutSeconds: ${20 + (count % 10)}
  currencies: [EUR, USD]
campaign:
  banner: Sale number ${count}
`

export const startShop = async (options: ShopOptions): Promise<Shop> => {
  const { directory, everyMs = everyMsDefault, onProblem } = options
  const bare = join(directory, `${repository}.git`)
  const tree = join(directory, 'work')
  const git = (...args: string[]) =>
    run('git', args, { cwd: tree, env: { ...process.env, ...identity } })
  if (!(await stat(bare).catch(() => null))) {
    await mkdir(bare, { recursive: true })
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare])
    await run('git', ['-C', bare, 'config', 'uploadpack.allowFilter', 'true'])
    await run('git', ['-C', bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true'])
  }
  await rm(tree, { recursive: true, force: true })
  await run('git', ['clone', '--quiet', bare, tree], { env: { ...process.env, ...identity } })
  const { stdout } = await git('rev-list', '--all', '--count')
  let count = Number(stdout)
  const push = async () => {
    count++
    await mkdir(join(tree, 'config'), { recursive: true })
    await writeFile(join(tree, 'config/shop.yaml'), settingsAt(count))
    await git('add', '--all')
    await git('commit', '--quiet', '--message', `Sale number ${count}`)
    await git('push', '--quiet', 'origin', 'HEAD:main')
  }
  let acting: Promise<void> = push()
  await acting
  const timer = setInterval(() => {
    acting = acting
      .then(push)
      .catch((error: unknown) => onProblem(`the demo's shop: ${String(error)}`))
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await acting
    },
  }
}
