import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  environmentOf,
  environmentsOf,
  isAbout,
  possibleEnvironments,
} from '@headway/schemas/rules/environment.ts'

const refsOfPullRequest = [
  'refs/pull/42/head',
  'refs/merge-requests/42/head',
  'refs/pull-requests/42/from',
]

test('what is excluded stays so, however often it is included', () => {
  const name = fc.stringMatching(/^[a-z0-9-]{1,12}$/)
  fc.assert(
    fc.property(name, fc.array(name), (old, more) => {
      const repositories = ['**', 'acme/**', `acme/old-${old}`, ...more]
      const pushed = { source: 'acme', repository: `acme/old-${old}` }
      return !isAbout({ source: 'acme', repositories, exclude: ['acme/old-*'] }, pushed)
    }),
  )
})

describe('for every rule and push', () => {
  const name = fc.constantFrom('main', 'dev', 'release/1', 'x')
  const pathOf = fc.constantFrom('a.yaml', 'envs/prod/a.yaml', 'envs/prod/b/c.yaml', 'envs/x.yaml')
  const globs = fc.dictionary(
    fc.constantFrom('main', '*', '**', 'release/*', 'envs/**', 'envs/prod/*'),
    fc.constantFrom('one', 'two', 'three'),
  )
  const rule = fc.record({
    environment: fc.record(
      {
        branches: globs,
        paths: globs,
        pullRequests: fc.boolean(),
        branch: fc.boolean(),
        tags: fc.boolean(),
        default: fc.constant('fallback'),
      },
      { requiredKeys: [] },
    ),
  })
  const ref = fc.oneof(
    name.map((text) => `refs/heads/${text}`),
    name.map((text) => `refs/tags/${text}`),
    fc.constantFrom(...refsOfPullRequest),
  )
  const files = fc.uniqueArray(pathOf)

  test('a file is in one environment at most, in its own, and none is invented', () => {
    fc.assert(
      fc.property(rule, ref, files, (definition, pushed, paths) => {
        const environments = environmentsOf(definition, { ref: pushed }, paths)
        const placed = [...environments.values()].flat()
        expect(new Set(placed).size).toBe(placed.length)
        for (const path of paths) {
          const environment = environmentOf(definition, { ref: pushed }, path)
          if (environment === null) expect(placed).not.toContain(path)
          else expect(environments.get(environment)).toContain(path)
        }
        const possible = possibleEnvironments(definition, { ref: pushed })
        for (const environment of environments.keys()) expect(possible).toContain(environment)
      }),
    )
  })

  test('where a file goes does not depend on the others', () => {
    fc.assert(
      fc.property(rule, ref, files, pathOf, (definition, pushed, paths, extra) => {
        const before = environmentsOf(definition, { ref: pushed }, paths)
        const after = environmentsOf(definition, { ref: pushed }, [...paths, extra])
        for (const [environment, its] of before)
          expect(after.get(environment)).toEqual(expect.arrayContaining([...its]))
      }),
    )
  })

  test('a pull request is in its own environment or in none', () => {
    const request = fc.constantFrom(...refsOfPullRequest)
    fc.assert(
      fc.property(rule, request, files, (definition, pushed, paths) => {
        const environments = [...environmentsOf(definition, { ref: pushed }, paths).keys()]
        expect(environments.filter((environment) => environment !== 'pr-42')).toEqual([])
      }),
    )
  })
})
