/**
 * What can go wrong between us and a repository, in few words that stay the same: they are compared to
 * tell new trouble from old. What git says itself is told in one line, without addresses.
 */
export type GitFailure =
  | 'git_missing'
  | 'address_refused'
  | 'unauthorized'
  | 'not_found'
  | 'unreachable'
  | 'timeout'
  | 'too_large'
  | 'ref_missing'
  | 'commit_missing'
  | 'secret_missing'
  | 'stopped'
  | 'git_failed'

export class GitError extends Error {
  override readonly name = 'GitError'
  readonly type: GitFailure
  /** The same may go well in a moment. */
  readonly retryable: boolean
  readonly exitCode: number | null
  constructor(
    type: GitFailure,
    message: string,
    retryable: boolean,
    exitCode: number | null = null,
  ) {
    super(message)
    this.type = type
    this.retryable = retryable
    this.exitCode = exitCode
  }
}

const lineMax = 300
const gitMissing =
  'the git program is not found where the fetcher runs: install git 2.37 or newer, or put it on PATH'

type Sign = readonly [pattern: RegExp, type: GitFailure, retryable: boolean]
/** The first that fits counts. */
const signs: readonly Sign[] = [
  [/couldn't find remote ref|no such remote ref/i, 'ref_missing', true],
  [/not our ref|unadvertised object|no such remote object/i, 'commit_missing', true],
  [/file size limit exceeded|file too large|no space left|died of signal 25/i, 'too_large', false],
  [/authentication failed|could not read (username|password)/i, 'unauthorized', false],
  [/returned error: 40[13]|http basic: access denied/i, 'unauthorized', false],
  [
    /repository .*not found|does not appear to be a git repo|returned error: 4(04|10)/i,
    'not_found',
    false,
  ],
  [/transport '.*' not allowed|dubious ownership/i, 'address_refused', false],
  [/unable to update url base from redirection|returned error: 30\d/i, 'address_refused', false],
  [
    /could not resolve host|connection (refused|reset)|timed out|failed to connect/i,
    'unreachable',
    true,
  ],
  [
    /unable to access|returned error: (429|5\d\d)|early eof|rpc failed|hung up/i,
    'unreachable',
    true,
  ],
]

/** The line that says why, without addresses and control characters. */
const lineOf = (told: string): string => {
  const lines = told.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((one) => /^(fatal|error):/.test(one)) ?? lines.at(-1) ?? 'without a word'
  return line
    .replaceAll(/[a-z]+:\/\/\S+/gi, '…')
    .replaceAll(/\p{Control}|\p{Surrogate}/gu, ' ')
    .slice(0, lineMax)
}

export const failureOf = (
  command: string,
  ended: { readonly code: number | null; readonly signal: string | null; readonly told: string },
): GitError => {
  const { code, signal, told } = ended
  if (code === 127) return new GitError('git_missing', gitMissing, false, code)
  if (signal === 'SIGXFSZ' || code === 153)
    return new GitError('too_large', 'the repository is larger than is taken', false, code)
  const line = lineOf(told)
  const message = `git ${command}: ${line}`
  const sign = signs.find(([pattern]) => pattern.test(told))
  if (sign) return new GitError(sign[1], message, sign[2], code)
  return new GitError('git_failed', message, true, code)
}
