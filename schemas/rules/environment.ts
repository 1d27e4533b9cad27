/**
 * Which environments a push is for, and which files each of them gets. Ways are asked in this order, and
 * the first that answers counts: the map of branches, the map of paths (file by file), the number of a
 * pull request, the branch's own name, the tag's name, the default.
 *
 * A pull request is unmerged work, possibly a stranger's: it has an environment of its own or none, and
 * never one that paths or the default lead to.
 */
import picomatch from 'picomatch'
import type { RuleDefinition } from './definition.ts'

export type PushedRef = { readonly ref: string; readonly pullRequest?: number | undefined }
type EnvironmentRule = Pick<RuleDefinition, 'environment'>

const globOptions = { dot: true, nonegate: true } as const
const isMatch = (globs: readonly string[]): ((text: string) => boolean) =>
  globs.length === 0 ? () => false : picomatch([...globs], globOptions)

const pullRequestRef = /^refs\/(?:pull|merge-requests|pull-requests)\/(\d+)\//

/** What a ref is: a branch or a tag with its name, a pull request with its number. */
export const kindOfRef = ({
  ref,
  pullRequest,
}: PushedRef): {
  readonly kind: 'branch' | 'tag' | 'pull_request' | 'other'
  readonly name: string
} => {
  const number = pullRequest ?? pullRequestRef.exec(ref)?.[1]
  if (number !== undefined) return { kind: 'pull_request', name: String(number) }
  if (ref.startsWith('refs/heads/'))
    return { kind: 'branch', name: ref.slice('refs/heads/'.length) }
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', name: ref.slice('refs/tags/'.length) }
  return { kind: 'other', name: ref }
}

/** Whether a rule is about a repository; what is excluded is excluded, whatever else it matches. */
export const isAbout = (
  {
    source,
    repositories,
    exclude = [],
  }: Pick<RuleDefinition, 'source' | 'repositories' | 'exclude'>,
  pushed: { readonly source: string; readonly repository: string },
): boolean =>
  source === pushed.source &&
  isMatch(repositories)(pushed.repository) &&
  !isMatch(exclude)(pushed.repository)

/** Of all files of a commit those that a rule is about. A repository's own overrides never are. */
export const overridesFile = 'headway.json'
export const filesOf = (
  { files }: Pick<RuleDefinition, 'files'>,
  paths: readonly string[],
): readonly string[] => {
  const matches = isMatch(files)
  return paths.filter((path) => path !== overridesFile && matches(path))
}

/** The environment of the first glob that matches. */
const mapped = (
  globs: Readonly<Record<string, string>> | undefined,
  name: string,
): string | null => {
  for (const [glob, environment] of Object.entries(globs ?? {}))
    if (isMatch([glob])(name)) return environment
  return null
}

/** The environment of what no map answers for. */
const byName = ({ environment }: EnvironmentRule, pushed: PushedRef): string | null => {
  const { kind, name } = kindOfRef(pushed)
  if (kind === 'pull_request') return environment.pullRequests ? `pr-${name}` : null
  if (kind === 'branch' && environment.branch) return name
  if (kind === 'tag' && environment.tags) return name
  return kind === 'other' ? null : (environment.default ?? null)
}

/** The environment of a file of a push; null when none is meant. */
export const environmentOf = (
  rule: EnvironmentRule,
  pushed: PushedRef,
  path: string,
): string | null => {
  const { kind, name } = kindOfRef(pushed)
  const { branches, paths } = rule.environment
  const byBranch = kind === 'branch' ? mapped(branches, name) : null
  const isMerged = kind === 'branch' || kind === 'tag'
  return byBranch ?? (isMerged ? mapped(paths, path) : null) ?? byName(rule, pushed)
}

/** Environment → its files, in the order of the files. */
export const environmentsOf = (
  rule: EnvironmentRule,
  pushed: PushedRef,
  files: readonly string[],
): ReadonlyMap<string, readonly string[]> => {
  const environments = new Map<string, string[]>()
  for (const file of files) {
    const environment = environmentOf(rule, pushed, file)
    if (environment === null) continue
    const others = environments.get(environment)
    if (others) others.push(file)
    else environments.set(environment, [file])
  }
  return environments
}

/** Every environment that files of such a push could be for, whatever they are called. */
export const possibleEnvironments = (
  rule: EnvironmentRule,
  pushed: PushedRef,
): ReadonlySet<string> => {
  const { kind, name } = kindOfRef(pushed)
  const byBranch = kind === 'branch' ? mapped(rule.environment.branches, name) : null
  if (byBranch !== null) return new Set([byBranch])
  const isMerged = kind === 'branch' || kind === 'tag'
  const byPath = isMerged ? Object.values(rule.environment.paths ?? {}) : []
  const rest = byName(rule, pushed)
  return new Set(rest === null ? byPath : [...byPath, rest])
}
