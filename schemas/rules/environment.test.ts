import { describe, expect, test } from 'vitest'
import { environmentOf, environmentsOf, filesOf, isAbout, kindOfRef } from './environment.ts'

const all = {
  environment: {
    branches: { main: 'production', 'release/*': 'staging' },
    paths: { 'envs/prod/**': 'by-path', 'envs/**': 'by-wider-path' },
    pullRequests: true,
    branch: true,
    tags: true,
    default: 'development',
  },
}
const only = (environment: (typeof all)['environment'] | object) => ({ environment })
const branch = (name: string) => ({ ref: `refs/heads/${name}` })
const refsOfPullRequest = [
  'refs/pull/42/head',
  'refs/merge-requests/42/head',
  'refs/pull-requests/42/from',
]

describe('the environment of a file is told by the first way that answers', () => {
  test.each([
    ['the map of branches before all', branch('main'), 'envs/prod/a.yaml', 'production'],
    ['its globs', branch('release/1.2'), 'a.yaml', 'staging'],
    ['the map of paths next: glob → environment', branch('x'), 'envs/prod/a.yaml', 'by-path'],
    ['the first of several paths', branch('x'), 'envs/qa/a.yaml', 'by-wider-path'],
    ['the branch by its name', branch('feature/a'), 'a.yaml', 'feature/a'],
    ['the tag by its name', { ref: 'refs/tags/v1' }, 'a.yaml', 'v1'],
  ])('%s', (_, pushed, path, environment) => {
    expect(environmentOf(all, pushed, path)).toBe(environment)
  })

  test('the default, when nothing else does', () => {
    const rule = only({ branches: { main: 'production' }, default: 'development' })
    expect(environmentOf(rule, branch('x'), 'a')).toBe('development')
    expect(environmentOf(rule, { ref: 'refs/tags/v1' }, 'a')).toBe('development')
  })

  test('none, when nothing does', () => {
    expect(environmentOf(only({ branches: { main: 'production' } }), branch('x'), 'a')).toBeNull()
    expect(environmentOf(all, { ref: 'refs/notes/x' }, 'a')).toBeNull()
  })

  test('[B4.13] the map of paths leads from files to environments, not back', () => {
    const rule = only({ paths: { 'envs/prod/**': 'production', 'envs/dev/**': 'development' } })
    const files = ['envs/prod/a.yaml', 'envs/dev/a.yaml', 'README.md', 'envs/prod/b.yaml']
    expect([...environmentsOf(rule, branch('main'), files)]).toEqual([
      ['production', ['envs/prod/a.yaml', 'envs/prod/b.yaml']],
      ['development', ['envs/dev/a.yaml']],
    ])
  })

  test.each(refsOfPullRequest)('[B4.13] %s is pull request 42', (ref) => {
    expect(kindOfRef({ ref })).toEqual({ kind: 'pull_request', name: '42' })
    expect(environmentOf(all, { ref }, 'envs/prod/a.yaml')).toBe('pr-42')
  })

  test.each(refsOfPullRequest)('%s never gets where merged work goes', (ref) => {
    const { pullRequests: _, ...others } = all.environment
    expect(environmentOf(only(others), { ref }, 'envs/prod/a.yaml')).toBeNull()
  })
})

describe('[B4.12] a rule is about its repositories', () => {
  const rule = { source: 'acme', repositories: ['acme/*'], exclude: ['acme/old-*'] }
  test.each([
    ['acme', 'acme/shop', true],
    ['acme', 'acme/old-shop', false],
    ['acme', 'other/shop', false],
    ['acme', 'acme/group/shop', false],
    ['acme', 'evil/acme/shop', false],
    ['other', 'acme/shop', false],
  ])('%s %s: %s', (source, repository, expected) => {
    expect(isAbout(rule, { source, repository })).toBe(expected)
  })
})

test('files are those of the globs, hidden ones too, and never the overrides', () => {
  const paths = ['.env', 'a.json', 'config/a.yaml', 'config/b/c.yaml', 'headway.json']
  expect(filesOf({ files: ['config/*.yaml'] }, paths)).toEqual(['config/a.yaml'])
  expect(filesOf({ files: ['**'] }, paths)).toEqual(paths.slice(0, 4))
  expect(filesOf({ files: ['!config/*'] }, ['config/a.yaml'])).toEqual([])
})
