/**
 * One run of the git program, alone with what it is told. It reads no configuration but ours, asks nobody
 * for a password, speaks one protocol, runs no hook and no filter, and ends in time, with all that it
 * started. What must stay secret comes in by the environment, and nothing it says goes out unhidden.
 */
import { spawn } from 'node:child_process'
import { failureOf, GitError } from './error.ts'

export type Config = Readonly<Record<string, string | readonly string[]>>

export type Run = {
  readonly args: readonly string[]
  /** The repository; left out where there is none. */
  readonly directory?: string
  /** What git may speak outside; nothing when left out. */
  readonly protocol?: string
  /** Configuration for this run only. Goes by the environment. */
  readonly config?: Config
  readonly input?: string
  readonly timeoutMs: number
  readonly outputBytesMax?: number
  /** No file that git writes grows beyond this. */
  readonly fileBytesMax?: number
  readonly signal: AbortSignal
  readonly hide?: (text: string) => string
}

const outputBytesMaxDefault = 64 * 1024 * 1024
const fileBytesMaxDefault = 1024 * 1024 * 1024
const errorBytesMax = 16 * 1024
const blockBytes = 512

const always: Config = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'credential.helper': '',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'fetch.writeCommitGraph': 'false',
  'submodule.recurse': 'false',
  'transfer.bundleURI': 'false',
  'http.followRedirects': 'false',
  'protocol.version': '2',
}

/** Configuration as environment variables: no command line and no file shows it. */
const configured = (config: Config): Record<string, string> => {
  const pairs = Object.entries(config).flatMap(([key, value]) =>
    [value].flat().map((one) => [key, one] as const),
  )
  return Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(pairs.length)],
    ...pairs.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ]) as Record<string, string>
}

/** Where certificates are is the machine's business; everything else of its environment stays out. */
const passedOn = ['PATH', 'GIT_EXEC_PATH', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO']

const environmentOf = ({ protocol, config }: Run): Record<string, string> => ({
  ...Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  ),
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_ALLOW_PROTOCOL: protocol ?? '',
  GIT_HTTP_LOW_SPEED_LIMIT: '1000',
  GIT_HTTP_LOW_SPEED_TIME: '30',
  ...configured({ ...always, ...config }),
})

/** Runs git and answers what it printed. Rejects with `GitError`. */
export const runGit = (run: Run): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { directory, args, timeoutMs, signal, hide = (text) => text } = run
    if (signal.aborted) return reject(new GitError('stopped', 'the fetcher stops', true))
    const blocks = Math.ceil((run.fileBytesMax ?? fileBytesMaxDefault) / blockBytes)
    const limited = `ulimit -f ${blocks}; exec git "$@"`
    const place = directory === undefined ? [] : [`--git-dir=${directory}`]
    const child = spawn('/bin/sh', ['-c', limited, 'git', ...place, ...args], {
      env: environmentOf(run),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    let ended: GitError | null = null
    const end = (error: GitError) => {
      ended ??= error
      endAll(child.pid)
    }
    const stop = () => end(new GitError('stopped', 'the fetcher stops', true))
    const timer = setTimeout(
      () => end(new GitError('timeout', `git ${args[0]} took longer than ${timeoutMs} ms`, true)),
      timeoutMs,
    )
    signal.addEventListener('abort', stop, { once: true })
    const output: Buffer[] = []
    const outputBytesMax = run.outputBytesMax ?? outputBytesMaxDefault
    let outputBytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length
      if (outputBytes <= outputBytesMax) output.push(chunk)
      else end(new GitError('too_large', `git ${args[0]} told more than is taken`, false))
    })
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => {
      told = (told + chunk.toString()).slice(-errorBytesMax)
    })
    // Who ends early does not read; its exit tells why.
    child.stdin.on('error', () => {})
    child.stdin.end(run.input ?? '')
    child.on('error', (error: NodeJS.ErrnoException) =>
      end(new GitError('git_missing', `git cannot be started (${error.code})`, false)),
    )
    child.on('close', (code, name) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (ended) return reject(ended)
      if (code === 0) return resolve(Buffer.concat(output))
      reject(failureOf(args[0]!, { code, signal: name, told: hide(told) }))
    })
  })

/** Git works through children of its own; the group goes with it. */
const endAll = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
