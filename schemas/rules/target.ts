/**
 * Where a rule puts what it finds in a repository for an environment: one asset with a version per
 * commit, and the pipeline that it triggers. Names stay readable where they can; what names cannot hold
 * is told by a hash, so that two places never share one.
 *
 * A dry run that somebody asks for has a target of its own: the newest version of the real one is what
 * drift is healed to and what a redrive runs, and a plan must never become that.
 */
import { sha256 } from '../ids.ts'
import type { RuleDefinition } from './definition.ts'

export type Place = {
  readonly rule: string
  readonly repository: string
  readonly environment: string
  readonly dryRun: boolean
}
export type TargetNames = { readonly asset: string; readonly pipeline: string }

const slugMax = 40
const pipelineMax = 64
const plain = /^[A-Za-z0-9_-]+$/

const hashOf = (text: string): string => sha256(text).slice(0, 8)

const slugOf = (text: string, isFaithful: boolean): string =>
  isFaithful && text.length <= slugMax
    ? text
    : `${text.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, slugMax)}-${hashOf(text)}`

const repositorySlug = (repository: string): string => {
  const parts = repository.split('/')
  const isFaithful = parts.length === 2 && parts.every((part) => plain.test(part))
  return isFaithful && repository.length <= slugMax ? parts.join('.') : slugOf(repository, false)
}

/** One pipeline per environment is enough when a rule can only be about one repository. */
const isAboutOne = ({ repositories }: Pick<RuleDefinition, 'repositories'>): boolean =>
  repositories.length === 1 && /^[A-Za-z0-9_./-]+$/.test(repositories[0]!)

export const targetOf = (
  definition: Pick<RuleDefinition, 'repositories'>,
  { rule, repository, environment, dryRun }: Place,
): TargetNames => {
  const slug = slugOf(environment, plain.test(environment))
  const asset = `config/${rule}/${repositorySlug(repository)}/${slug}`
  const name = `${rule}--${slug}`
  const ending = dryRun ? '--dry-run' : ''
  const whole = isAboutOne(definition) ? name : `${name}-${hashOf(repository)}`
  const isShort = whole.length + ending.length <= pipelineMax
  const hash = hashOf(JSON.stringify([rule, repository, environment]))
  const cut = `${name.slice(0, pipelineMax - ending.length - hash.length - 1)}-${hash}`
  return {
    asset: dryRun ? `${asset}/dry-run` : asset,
    pipeline: `${isShort ? whole : cut}${ending}`,
  }
}
