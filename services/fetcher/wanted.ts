/**
 * What a push means for a rule, decided from the commit alone: which environments, which files of each,
 * and what is left out and why. Pure; reading the files comes after.
 */
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import {
  environmentsOf,
  filesOf,
  possibleEnvironments,
  type PushedRef,
} from '@headway/schemas/rules/environment.ts'
import type { Listed } from './git.ts'

export type Wanted = {
  readonly environment: string
  /** What the rule reads and what it is validated with, in the order of the paths. */
  readonly files: readonly Listed[]
  /** What matches and is no file that can be read. */
  readonly leftOut: readonly Listed[]
}

const byPath = (one: Listed, other: Listed): number => (one.path < other.path ? -1 : 1)

/**
 * `known` are environments that this ref brought before: when their last file went, they are wanted
 * without files, so that its keys go too. What the rule does not lead to any more is not among them.
 */
export const wantedOf = (
  rule: RuleDefinition,
  pushed: PushedRef & { readonly environment?: string | undefined },
  listed: readonly Listed[],
  known: ReadonlySet<string>,
): readonly Wanted[] => {
  const byName = new Map(listed.map((entry) => [entry.path, entry]))
  const matching = new Set(filesOf(rule, [...byName.keys()]))
  const paths = [...matching].filter((path) => byName.get(path)!.type === 'file')
  const leftOut = listed.filter(({ path, type }) => type !== 'file' && matching.has(path))
  const { jsonSchema, cue } = rule.validate ?? {}
  const beside = [jsonSchema, cue].flatMap((path) => {
    const entry = path === undefined ? undefined : byName.get(path)
    return entry?.type === 'file' ? [entry] : []
  })
  const environments = new Map(environmentsOf(rule, pushed, paths))
  const possible = possibleEnvironments(rule, pushed)
  for (const environment of known)
    if (possible.has(environment) && !environments.has(environment))
      environments.set(environment, [])
  return [...environments]
    .filter(([environment]) => (pushed.environment ?? environment) === environment)
    .map(([environment, its]) => ({
      environment,
      files: [...new Set([...its.map((path) => byName.get(path)!), ...beside])].toSorted(byPath),
      leftOut,
    }))
}

const toldMax = 20

export const leftOutReason = (leftOut: readonly Listed[]): string | undefined => {
  if (leftOut.length === 0) return undefined
  const told = leftOut.slice(0, toldMax).map(({ path, type }) => `${path} (${type})`)
  const rest = leftOut.length > toldMax ? ` and ${leftOut.length - toldMax} more` : ''
  return `left out: ${told.join(', ')}${rest}`.replaceAll(/\p{Control}/gu, '?')
}
