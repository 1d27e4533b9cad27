import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { startChild } from '@headway/deploy/child.ts'
import { rebuild } from '@headway/projector/rebuild.ts'
import { runProjector } from '@headway/projector/room.ts'
import { openStore, type Store } from '@headway/projector/store.ts'
import type { Event } from '@headway/schemas/events.ts'
import { examples } from '@headway/schemas/examples.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { append, definePipeline, eventsOf, startWorld, until, type World } from './harness.ts'
import { mortal } from './mortal.ts'

/**
 * What stands on Postgres dies at its boundaries: the projector around its commit, a rebuild anywhere up
 * to its swap, the API between what it accepted and its answer. Afterwards the tables equal a replay.
 */
const headway = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
const runs = 4_000
let world: World
let pgUrl: string

const fill = async (): Promise<void> => {
  let n = 0
  const write = async () => {
    for (let i = n++; i < runs; i = n++) {
      const run = ulidOf(i, 'run', i)
      const all: Event[] = [
        { ...examples.RunRequested, pipeline: 'p', run },
        { ...examples.RunStarted, pipeline: 'p', run, ownInputs: {} },
        { ...examples.StepSucceeded, run },
        { ...examples.RunCompleted, pipeline: 'p', run },
      ]
      await append(world.doors, { kind: 'run', name: 'p' }, ...all)
    }
  }
  await Promise.all(Array.from({ length: 64 }, write))
}

const verified = async () => {
  const { signal } = world
  const result = await rebuild(world.doors, { pgUrl, swap: false, signal, tell: () => {} })
  return result.comparison
}

const projected = async (): Promise<number> => {
  const store = openStore(pgUrl)
  const position = await store.position()
  await store.close()
  return position?.seq ?? 0
}

beforeAll(async () => {
  world = await startWorld({ postgres: true })
  pgUrl = world.postgres!.url
  await fill()
}, 120_000)
afterAll(() => world.stop())

/** A store whose owner dies at its third commit, before it or after it. */
const dying = (store: Store, when: 'before' | 'after', onDeath: () => void): Store => {
  let commits = 0
  const never = new Promise<never>(() => {})
  return {
    ...store,
    commit: async (...args) => {
      if (++commits < 3) return store.commit(...args)
      if (when === 'after') await store.commit(...args)
      onDeath()
      return never
    },
  }
}

test.each(['before', 'after'] as const)(
  'a projector that dies %s its commit is followed by one that knows [I11] [I12]',
  async (when) => {
    const died = new Promise<void>((resolve) => {
      const store = dying(openStore(pgUrl), when, resolve)
      void runProjector(world.doors, store, { signal: world.signal })
    })
    await append(world.doors, { kind: 'worker', name: 'p' }, examples.WorkerJoined)
    await until('the death', async () => {
      await append(world.doors, { kind: 'worker', name: 'p' }, examples.WorkerJoined)
      return Promise.race([
        died.then(() => true),
        new Promise((resolve) => setTimeout(resolve, 50)),
      ])
    })
    const stop = new AbortController()
    const heir = runProjector(world.doors, openStore(pgUrl), { signal: stop.signal })
    const { seq } = await world.doors.log.head()
    await until('the heir catches up', async () => (await projected()) >= seq)
    stop.abort()
    await heir
    expect(await verified()).toMatchObject({ equal: true })
  },
  60_000,
)

test('a rebuild killed at any moment leaves the live tables as they were [I11]', async () => {
  const env = { ...process.env, HEADWAY_NATS_URL: world.nats.url, HEADWAY_PG_URL: pgUrl }
  const client = new pg.Client({ connectionString: pgUrl })
  await client.connect()
  const phases = new Set<string>()
  // A machine that has more to do needs longer to begin.
  for (
    let afterMs = 0;
    afterMs <= 1_300 || !phases.has('replay');
    afterMs += afterMs < 1_300 ? 150 : 1_000
  ) {
    const child = await startChild({
      name: 'rebuild',
      command: process.execPath,
      args: [headway, 'rebuild', '--json'],
      env,
      onLine: (line) => phases.add(/"phase":"([^"]+)"/.exec(line)?.[1] ?? ''),
    })
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    try {
      process.kill(child.pid, 'SIGKILL')
    } catch {
      phases.add('ended')
    }
    await child.exited
    const { rows } = await client.query<{ n: string }>('select count(*) as n from headway.runs')
    expect(Number(rows[0]!.n)).toBe(runs)
  }
  await client.end()
  expect(phases.has('replay')).toBe(true)
  const compared = await until('nobody else rebuilds', verified)
  expect(compared).toMatchObject({ equal: true })
}, 120_000)

test('what the API accepted before it died is there for who asks again with the same key', async () => {
  await definePipeline(world.doors, 'asked', {})
  const ask = (app: Awaited<ReturnType<typeof buildApp>>) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/pipelines/asked/runs',
      headers: { 'idempotency-key': 'once', 'content-type': 'application/json' },
      payload: { reason: 'test' },
    })
  const stop = new AbortController()
  const projecting = runProjector(world.doors, openStore(pgUrl), { signal: stop.signal })
  const { seq } = await world.doors.log.head()
  await until('the pipeline is known', async () => (await projected()) >= seq)
  const database = openDatabase(pgUrl, world.doors.logger)
  const { db } = database
  const victim = mortal(await world.open('api'), { effect: 1, when: 'after' })
  const dead = await buildApp({ ...victim.doors, db, tenant: 'default' })
  void ask(dead)
  await victim.died
  const alive = await buildApp({ ...world.doors, db, tenant: 'default' })
  const answer = await ask(alive)
  expect(answer.statusCode).toBe(202)
  const triggered = (await eventsOf(world.doors)).filter((event) => event.type === 'RunTriggered')
  expect(triggered.map(({ request }) => request)).toEqual([answer.json<{ id: string }>().id])
  await alive.close()
  await database.close()
  stop.abort()
  await projecting
}, 60_000)
