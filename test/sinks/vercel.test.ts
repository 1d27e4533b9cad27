/** The vercel sink against a server that speaks Vercel's documented API; there is no other to be had. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { never, openSink, place } from './sink-under-test.ts'
import { startVercel, token } from './vercel-server.ts'

describe('Vercel', () => {
  let server: Awaited<ReturnType<typeof startVercel>>
  let busy: Awaited<ReturnType<typeof startVercel>>
  beforeAll(async () => {
    server = await startVercel()
    busy = await startVercel({ tooManyFirst: 3 })
  })
  afterAll(() => Promise.all([server.stop(), busy.stop()]))

  const optionsFor = (project: string) => ({ project, token, url: server.url })
  const theirs = [
    { id: 'theirs_1', key: 'THEIRS', value: 'kept', type: 'encrypted', target: ['production'] },
    { id: 'theirs_2', key: 'KEY_1', value: 'preview', type: 'plain', target: ['preview'] },
    {
      id: 'theirs_3',
      key: 'KEY_1',
      value: 'branch',
      type: 'plain',
      target: ['production'],
      gitBranch: 'next',
    },
  ]

  conforms('vercel', {
    type: 'vercel',
    options: optionsFor,
    key: (number) => `KEY_${number}`,
    strangeKeys: ['_', 'a', 'A1_b2', '__proto__'],
    forbiddenKeys: { keys: ['db.host', 'with space', '1A', ''], error: /not a variable's name/ },
    keysMax: { count: 1_000, error: /an environment takes 1000/ },
    unreachable: () => ({ ...optionsFor('a'), url: `http://127.0.0.1:${closedPort}` }),
    refused: () => ({
      options: { ...optionsFor('a'), token: 'wrong-token' },
      secrets: ['wrong-token'],
    }),
    foreign: {
      put: async (where) => void server.projects.set(where, [...theirs]),
      look: async (where) => [...(server.projects.get(where) ?? [])],
    },
  })

  test('targets, branch, type and comment arrive', async () => {
    const options = {
      ...optionsFor('marked'),
      targets: ['preview', 'development'],
      gitBranch: 'next',
      variableType: 'plain',
      team: 'team_1',
    }
    const sink = await openSink('vercel', options)
    await sink.write(setting([['A', '1']]), place, never)
    expect(server.projects.get('marked')).toEqual([
      {
        id: expect.any(String) as string,
        key: 'A',
        value: '1',
        type: 'plain',
        target: ['preview', 'development'],
        gitBranch: 'next',
        comment: 'managed by headway',
      },
    ])
    expect(await sink.read('all', never)).toEqual(new Map([['A', '1']]))
  })

  test('an environment of the project’s own is a place of its own', async () => {
    const options = { ...optionsFor('custom'), customEnvironments: ['env_staging'] }
    const sink = await openSink('vercel', options)
    await sink.write(setting([['A', '1']]), place, never)
    expect(server.projects.get('custom')).toMatchObject([
      { key: 'A', customEnvironmentIds: ['env_staging'] },
    ])
    expect(await sink.read('all', never)).toEqual(new Map([['A', '1']]))
  })

  test('a variable that others have for more targets is an error, not taken over', async () => {
    const shared = {
      id: 'x',
      key: 'A',
      value: '1',
      type: 'plain',
      target: ['production', 'preview'],
    }
    server.projects.set('shared', [shared])
    const sink = await openSink('vercel', optionsFor('shared'))
    await expect(sink.write(setting([['A', '2']]), place, never)).rejects.toMatchObject({
      message: expect.stringMatching(/ENV_CONFLICT/) as string,
      retryable: false,
    })
    await sink.write(removing('A'), place, never)
    expect(server.projects.get('shared')).toEqual([shared])
  })

  test('who is told to come later comes later', async () => {
    const sink = await openSink('vercel', { ...optionsFor('late'), url: busy.url })
    const entries = Array.from({ length: 30 }, (_, i) => [`KEY_${i}`, `${i}`] as const)
    await sink.write(setting(entries), place, never)
    expect(await sink.read('all', never)).toEqual(new Map(entries))
  })

  test('a project that does not exist is an error that names it', async () => {
    const sink = await openSink('vercel', optionsFor('absent'))
    await expect(sink.read('all', never)).rejects.toMatchObject({
      message: expect.stringMatching(/projects\/absent\/env: 404 not_found/) as string,
      retryable: false,
    })
  })
})
