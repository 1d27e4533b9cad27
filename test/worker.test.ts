import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { leaseMs } from '@headway/streams/control.ts'
import type { Doors } from '@headway/streams/room.ts'
import { versionOf } from '@headway/worker/folder.ts'
import {
  closeWorld,
  depthOf,
  ended,
  eventsWhere,
  given,
  greet,
  linesOf,
  newGate,
  newPipeline,
  newRoot,
  one,
  openWorld,
  patient,
  putVersion,
  ready,
  request,
  rewrite,
  startProcess,
  startWorker,
  stopWorkers,
  typesOf,
  unheard,
  versionsOf,
  world,
} from './fixtures/pipelines/worker-world.ts'
import { definePipeline, until } from './harness.ts'

/** The worker room on a real server: in process where that is enough, as a process to be killed. */
beforeAll(openWorld)
afterEach(stopWorkers)
afterAll(closeWorld)

describe('a version', () => {
  test('is registered with its steps, DAG, inputs and feed type, and becomes the active one', async () => {
    const { root, version, pipeline } = await given('late-vehicles')
    const { worker } = await startWorker(pipeline, root)
    const release = await one('ReleaseRegistered', { pipeline })
    expect(release).toMatchObject({
      pipelineVersion: version,
      feedType: 'realtime',
      inputs: {
        vehicles: { kind: 'gtfs_rt_protobuf', optional: false },
        trips: { kind: 'gtfs_rt_protobuf', optional: true },
      },
      outputs: { 'feed.pb': { kind: 'gtfs_rt_protobuf', step: 'combine_feeds' } },
      steps: [
        { id: 'drop_late_vehicles', builtin: false },
        { id: 'combine_feeds', builtin: true },
      ],
      edges: expect.arrayContaining([['drop_late_vehicles', 'combine_feeds']]),
    })
    expect(await one('ReleaseActivated', { pipeline })).toMatchObject({ pipelineVersion: version })
    const joined = await one('WorkerJoined', { worker })
    expect(joined).toMatchObject({ pipelines: { [pipeline]: version }, capabilities: ['realtime'] })
  })

  test('is what a run executes on, with two of them served at once [I10]', async () => {
    const [old, recent] = [await newRoot('obey'), await newRoot('obey', greet('sang'))]
    const pipeline = await newPipeline('obey')
    await startWorker(pipeline, old.root)
    await one('ReleaseActivated', { pipeline, pipelineVersion: old.version })
    await startWorker(pipeline, recent.root)
    await one('ReleaseActivated', { pipeline, pipelineVersion: recent.version })
    const runs: [string, string][] = []
    for (let i = 0; i < 6; i++) {
      const { version } = i % 2 === 0 ? old : recent
      const text = `${i % 2 === 0 ? 'said' : 'sang'} ${i}`
      runs.push([await request(pipeline, version, { say: String(i) }), text])
    }
    for (const [run, text] of runs) {
      await ended(run)
      const [artifact] = await eventsWhere('ArtifactPublished', { run })
      const { digest } = artifact!.renditions[0]!
      expect(String(Buffer.from((await world.doors.content.get('default', digest))!))).toBe(text)
      const [started] = await eventsWhere('RunStarted', { run })
      expect(started?.pipelineVersion).toBe(text.startsWith('said') ? old.version : recent.version)
    }
  })

  test('stays what a run executes on when the folder is edited meanwhile [I10]', async () => {
    const { root, folder, version, pipeline, diary, out } = await given('obey', {
      retry: patient,
    })
    await startWorker(pipeline, root, { watch: true })
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'it', blockMs: 800, diary, failTimes: 1 })
    await until('the step runs', async () => (await linesOf(diary)).length === 1)
    await rewrite(folder, greet('sang'))
    await until('the edit is active', async () =>
      (await eventsWhere('ReleaseActivated', { pipeline })).some(
        (e) => e.pipelineVersion !== version,
      ),
    )
    await ended(run)
    expect(await versionsOf(out)).toEqual(['said it'])
    const started = await eventsWhere('RunStarted', { run })
    expect(started.map((event) => event.pipelineVersion)).toEqual([version, version])
  })

  test('that is edited while the worker runs becomes active, and so does an earlier one again', async () => {
    const { root, folder, version, pipeline } = await given('obey')
    const { worker } = await startWorker(pipeline, root, { watch: true })
    await one('WorkerJoined', { worker })
    await rewrite(folder, greet('sang'))
    const edited = await versionOf(folder)
    await one('ReleaseActivated', { pipeline, pipelineVersion: edited })
    await ended(await request(pipeline, edited, { say: 'new' }))
    await rewrite(folder, (source) => source.replace(", greeting: 'sang'", ''))
    await until('three activations', async () => {
      const activations = await eventsWhere('ReleaseActivated', { pipeline })
      return (
        activations.map((event) => event.pipelineVersion).join() ===
        [version, edited, version].join()
      )
    })
    await until('three announcements', async () => {
      const joined = await eventsWhere('WorkerJoined', { worker })
      return (
        joined.map((event) => event.pipelines[pipeline]).join() ===
        [version, edited, version].join()
      )
    })
  })

  test('that does not load is told with file and line, and the one before goes on', async () => {
    const { root, folder, version, pipeline } = await given('obey')
    const told: string[] = []
    const onUnloadable = (id: string, message: string) => void told.push(`${id} ${message}`)
    await startWorker(pipeline, root, { watch: true, onUnloadable })
    await one('ReleaseActivated', { pipeline })
    await rewrite(folder, (source) => source.replace('obey({', 'obey({ greeting: 7, '))
    await until('the error', () => told.find((line) => line.includes('greeting')))
    expect(told.at(-1)).toMatch(
      new RegExp(
        `^${pipeline} pipeline\\.ts:\\d+(:\\d+)? PipelineError: obey: option greeting must be a string`,
      ),
    )
    await ended(await request(pipeline, version, { say: 'still here' }))
  })

  test('with a run that waits is served by a worker whose folder moved on', async () => {
    const { root, folder, version, pipeline, worker, out } = await ready()
    await worker.stop()
    const waiting = await request(pipeline, version, { say: 'waited' })
    await rewrite(folder, greet('sang'))
    await startWorker(pipeline, root)
    await one('ReleaseActivated', { pipeline, pipelineVersion: await versionOf(folder) })
    await ended(waiting)
    expect(await versionsOf(out)).toEqual(['said waited'])
  })

  test('is served again when a run is asked for on it after the folder moved on', async () => {
    const { root, folder, version, pipeline, worker, out } = await ready()
    await worker.stop()
    await rewrite(folder, greet('sang'))
    // The request is read from the log before its command can be counted in the queue.
    await startWorker(pipeline, root, {}, ({ control }) => ({
      control: { ...control, depth: async () => 0 },
    }))
    await one('ReleaseActivated', { pipeline, pipelineVersion: await versionOf(folder) })
    await ended(await request(pipeline, version, { say: 'late' }))
    expect(await versionsOf(out)).toEqual(['said late'])
  })
})

describe('a run', () => {
  test('waits visibly for a worker of its version, and is done when one joins [I9] [E1]', async () => {
    const { root, pipeline, version, worker } = await ready()
    await worker.stop()
    const run = await request(pipeline, version, { say: 'hello' })
    await until('one waits', async () => (await depthOf(pipeline, version)) === 1)
    expect((await typesOf(run)).filter((type) => type !== 'RunGivenBack')).toEqual([])
    await startWorker(pipeline, root)
    await ended(run)
    await until('none waits', async () => (await depthOf(pipeline, version)) === 0)
  })

  test('leaves its steps with moments, rows, findings and logs', async () => {
    const { pipeline, version } = await ready()
    const run = await request(pipeline, version, { say: 'hello' })
    await ended(run)
    const story = ['RunStarted', 'StepSucceeded', 'ArtifactPublished', 'RunCompleted']
    expect(await typesOf(run)).toEqual(story)
    const [step] = await eventsWhere('StepSucceeded', { run })
    expect(step).toMatchObject({ step: 'obey', index: 0, attempt: 1, rowsIn: 0, rowsOut: 0 })
    expect(step).toMatchObject({ logs: ['execution 1'], findings: [{ code: 'obeyed', count: 1 }] })
    expect(Date.parse(step!.endedAt)).toBeGreaterThanOrEqual(Date.parse(step!.startedAt))
    expect(step!.durationMs).toBeGreaterThanOrEqual(0)
  })

  test('that fails is tried again after its backoff, and the success counts', async () => {
    const { pipeline, version, diary, out } = await ready({ retry: patient })
    const run = await request(pipeline, version, { say: 'at last', diary, failTimes: 2 })
    await ended(run)
    const failure = ['RunStarted', 'StepFailed', 'RunRetried']
    const success = ['RunStarted', 'StepSucceeded', 'ArtifactPublished', 'RunCompleted']
    expect(await typesOf(run)).toEqual([...failure, ...failure, ...success])
    const starts = await eventsWhere('RunStarted', { run })
    expect(starts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    const retries = await eventsWhere('RunRetried', { run })
    retries.forEach(({ nextAttemptAt }, i) => {
      expect(Date.parse(starts[i + 1]!.at)).toBeGreaterThanOrEqual(Date.parse(nextAttemptAt) - 5)
    })
    expect(await versionsOf(out)).toEqual(['said at last'])
  })

  test('that fails in every attempt is dead-lettered with the last error', async () => {
    const { pipeline, version, diary } = await ready({ retry: patient })
    const run = await request(pipeline, version, { say: '', diary, failTimes: 99 })
    const { error, attempt } = await one('RunDeadLettered', { run })
    expect({ error, attempt }).toEqual({
      error: { type: 'Error', message: 'obey: failure 3' },
      attempt: 3,
    })
    expect(await linesOf(diary)).toHaveLength(3)
  })

  test('with a terminal error fails at once', async () => {
    const { pipeline, version, diary } = await ready({ retry: patient })
    const run = await request(pipeline, version, { say: '', diary, fail: 'terminal' })
    const { error } = await one('RunFailed', { run })
    expect(error).toEqual({ type: 'TerminalError', message: 'obey: as ordered' })
    expect(await typesOf(run)).toEqual(['RunStarted', 'StepFailed', 'RunFailed'])
    expect(await linesOf(diary)).toHaveLength(1)
  })

  test('with a step longer than a lease is run once, and seen while it goes on [E8]', async () => {
    const { root, pipeline, version, diary } = await ready()
    const other = await startWorker(pipeline, root)
    await one('WorkerJoined', { worker: other.worker })
    const run = await request(pipeline, version, { say: 'slow', blockMs: 6_000, diary })
    await one('RunStarted', { run })
    expect(await eventsWhere('RunCompleted', { run })).toEqual([])
    expect((await ended(run)).durationMs).toBeGreaterThan(6_000)
    expect(await linesOf(diary)).toHaveLength(1)
    expect(await eventsWhere('RunStarted', { run })).toHaveLength(1)
  })

  test('whose step exceeds its time loses the thread, not the worker, and leaves a failed step', async () => {
    const { pipeline, version } = await ready({
      stepTimeoutMs: 2_000,
      retry: { ...patient, attempts: 1 },
    })
    const run = await request(pipeline, version, { say: '', blockMs: 60_000 })
    const { error } = await one('RunDeadLettered', { run })
    expect(error).toEqual({ type: 'Timeout', message: 'obey: took longer than 2000 ms' })
    const [step] = await eventsWhere('StepFailed', { run })
    expect(step).toMatchObject({ step: 'obey', error: { type: 'Timeout' }, logs: ['execution 1'] })
    await ended(await request(pipeline, version, { say: 'well again' }))
  })

  test('whose command cannot be read is dropped, told, and blocks nobody [I17]', async () => {
    const { pipeline, version } = await ready()
    const poison = {
      type: 'RunPipeline',
      request: { pipeline, pipelineVersion: version },
      priorAttempts: 0,
    }
    await world.doors.control.send('default', poison as never, `poison-${pipeline}`)
    await ended(await request(pipeline, version, { say: 'fine' }))
    await until('an empty queue', async () => (await depthOf(pipeline, version)) === 0)
  })
})

describe('an output', () => {
  test('that is the same again makes no version and says so', async () => {
    const { pipeline, version, out } = await ready()
    const runs: string[] = []
    for (const say of ['a', 'a', 'b']) {
      runs.push(await request(pipeline, version, { say }))
      await ended(runs.at(-1)!)
    }
    expect(await versionsOf(out)).toEqual(['said a', 'said b'])
    const artifacts = await eventsWhere('ArtifactPublished', { asset: out })
    expect(artifacts.map(({ changed, ordinal }) => [changed, ordinal])).toEqual([
      [true, 1],
      [false, 1],
      [true, 2],
    ])
  })

  test('feeds the next pipeline, and an unchanged one triggers nobody', async () => {
    const [obey, relay] = [await newRoot('obey'), await newRoot('relay')]
    const first = await newPipeline('obey')
    const second = await newPipeline('relay', { slots: { text: `output/${first}/out.bin` } })
    await startWorker(first, obey.root)
    await startWorker(second, relay.root)
    await one('ReleaseActivated', { pipeline: second })
    await ended(await request(first, obey.version, { say: 'x' }))
    const { run } = await one('RunCompleted', { pipeline: second })
    const [requested] = await eventsWhere('RunRequested', { run })
    expect(requested?.triggeredBy.map(({ asset }) => asset)).toEqual([`output/${first}/out.bin`])
    expect(await versionsOf(`output/${second}/loud.bin`)).toEqual(['SAID X'])
    await ended(await request(first, obey.version, { say: 'x' }))
    await ended(await request(first, obey.version, { say: 'y' }))
    await until('the third one', async () =>
      (await versionsOf(`output/${second}/loud.bin`)).includes('SAID Y'),
    )
    expect(await eventsWhere('RunRequested', { pipeline: second })).toHaveLength(2)
  })

  test('is read back by its own pipeline, absent on the first run, and triggers nothing [E6]', async () => {
    const { root, version, pipeline } = await given('sum')
    const sum = `output/${pipeline}/sum.txt`
    const slots = { number: `hand/${pipeline}`, before: sum }
    await definePipeline(world.doors, pipeline, { folder: 'sum', pool: pipeline, slots })
    await startWorker(pipeline, root)
    await one('ReleaseActivated', { pipeline })
    for (const number of ['2', '3', '5']) await ended(await request(pipeline, version, number))
    expect(await versionsOf(sum)).toEqual(['2', '5', '10'])
    const starts = await eventsWhere('RunStarted', { pipeline })
    expect(starts.map(({ ownInputs }) => ownInputs.before?.ordinal ?? 0)).toEqual([0, 1, 2])
    expect(await eventsWhere('RunRequested', { pipeline })).toHaveLength(3)
  })

  test('of one fetch is made by both versions of a pipeline in two pools', async () => {
    const roots = [await newRoot('relay'), await newRoot('relay', (code) => `${code}// next`)]
    const slots = { text: 'both/feed' }
    const pipelines = [await newPipeline('relay', { slots }), await newPipeline('relay', { slots })]
    for (const [i, pipeline] of pipelines.entries()) {
      await startWorker(pipeline, roots[i]!.root)
      await one('ReleaseActivated', { pipeline })
    }
    await putVersion('both/feed', 'news')
    const read = new Set<string>()
    for (const [i, pipeline] of pipelines.entries()) {
      const { run } = await one('RunCompleted', { pipeline })
      const [started] = await eventsWhere('RunStarted', { run })
      expect(started?.pipelineVersion).toBe(roots[i]!.version)
      read.add((await one('RunRequested', { run })).inputs.text!.version)
    }
    expect(read.size).toBe(1)
  })
})

describe('a worker', () => {
  test('that is killed in a step is replaced within five seconds [I8] [E7]', async () => {
    const { root, version, pipeline, diary, out, untilFile, go } = await given('obey')
    const victim = startProcess(pipeline, root)
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'x', untilFile, diary })
    await until('the step runs', async () => (await linesOf(diary)).length === 1)
    await one('RunStarted', { run })
    await startWorker(pipeline, root)
    victim.kill('SIGKILL')
    await new Promise((resolve) => victim.once('exit', resolve))
    go()
    await ended(run)
    // Nobody tells of a death; the end of the lease does.
    expect(leaseMs).toBeLessThan(5_000)
    expect((await eventsWhere('RunStarted', { run })).map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(await versionsOf(out)).toEqual(['said x'])
  })

  test('is lost to a killing input as often as attempts allow, then it is over [I9] [E9]', async () => {
    const { root, version, pipeline, diary } = await given('obey', {
      retry: { ...patient, attempts: 2 },
    })
    let [isOver, lives] = [false, 5]
    const keepAlive = () => {
      if (!isOver && lives-- > 0) startProcess(pipeline, root).once('exit', keepAlive)
    }
    keepAlive()
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'x', diary, killWorker: true })
    const { error, attempt } = await one('RunDeadLettered', { run })
    expect({ type: error.type, attempt }).toEqual({ type: 'WorkerLost', attempt: 3 })
    expect(await linesOf(diary)).toHaveLength(2)
    await ended(await request(pipeline, version, { say: 'next' }))
    isOver = true
  })

  test('that was overtaken publishes nothing over what is newer [I8] [E7]', async () => {
    const { root, version, pipeline, out } = await given('obey')
    const gate = newGate()
    const held: string[] = []
    const standing = (doors: Doors): Partial<Doors> => ({
      ...unheard(doors),
      content: {
        ...doors.content,
        put: async (tenant, bytes) => {
          held.push(String(Buffer.from(bytes)))
          await gate.opened
          return doors.content.put(tenant, bytes)
        },
      },
    })
    const zombie = await startWorker(pipeline, root, { drainMs: 0 }, standing)
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'old' })
    await until('the output is held back', () => held.length > 0)
    const other = await startWorker(pipeline, root)
    await one('WorkerJoined', { worker: other.worker })
    await ended(run)
    await ended(await request(pipeline, version, { say: 'new' }))
    gate.open()
    await zombie.stop()
    expect(await versionsOf(out)).toEqual(['said old', 'said new'])
    expect(await eventsWhere('RunCompleted', { run })).toHaveLength(1)
  })

  test.each(['obey', 'sum'])(
    'that dies between the version and the end of the run (%s) is continued: one version, one end',
    async (folder) => {
      const { root, version, pipeline } = await given(folder)
      const out = `output/${pipeline}/${folder === 'sum' ? 'sum.txt' : 'out.bin'}`
      if (folder === 'sum') {
        const slots = { number: `hand/${pipeline}`, before: out }
        await definePipeline(world.doors, pipeline, { folder, pool: pipeline, slots })
      }
      const orders = folder === 'sum' ? '2' : { say: 'x' }
      const dying = (doors: Doors): Partial<Doors> => ({
        ...unheard(doors),
        log: {
          ...doors.log,
          append: (commit) =>
            commit.events.some(({ type }) => type === 'RunCompleted')
              ? new Promise(() => {})
              : doors.log.append(commit),
        },
      })
      const dead = await startWorker(pipeline, root, {}, dying)
      await one('ReleaseActivated', { pipeline })
      const run = await request(pipeline, version, orders)
      await one('AssetVersioned', { asset: out })
      dead.abandon()
      await startWorker(pipeline, root)
      await ended(run)
      expect(await versionsOf(out)).toEqual([folder === 'sum' ? '2' : 'said x'])
      expect(await eventsWhere('RunCompleted', { run })).toHaveLength(1)
      const [artifact] = await eventsWhere('ArtifactPublished', { run, attempt: 2 })
      expect(artifact).toMatchObject({ changed: true, ordinal: 1 })
    },
  )

  test('that is told to stop finishes its run, takes no other one and says good-bye [I16]', async () => {
    const { root, version, pipeline, diary, untilFile, go } = await given('obey')
    const gate = newGate()
    const slowToGo = ({ live }: Doors) => ({ live: { ...live, put: () => gate.opened } })
    const { worker, stop } = await startWorker(pipeline, root, {}, slowToGo)
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'x', untilFile, diary })
    await until('the step runs', async () => (await linesOf(diary)).length === 1)
    const next = await request(pipeline, version, { say: 'y' })
    const stopped = stop()
    go()
    await ended(run)
    gate.open()
    await stopped
    await until('the other one waits', async () => (await depthOf(pipeline, version)) === 1)
    expect(await typesOf(next)).toEqual([])
    expect(await eventsWhere('WorkerLeft', { worker })).toHaveLength(1)
  })

  test('that is told to stop in a long run gives it back at once [I16]', async () => {
    const { root, version, pipeline, diary, out, untilFile, go } = await given('obey')
    const stopping = await startWorker(pipeline, root, { drainMs: 200 })
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'x', untilFile, diary })
    await until('the step runs', async () => (await linesOf(diary)).length === 1)
    const other = await startWorker(pipeline, root)
    await one('WorkerJoined', { worker: other.worker })
    await stopping.stop()
    go()
    expect(await eventsWhere('RunGivenBack', { run })).toHaveLength(1)
    await ended(run)
    expect(await linesOf(diary)).toHaveLength(2)
    expect(await eventsWhere('RunRetried', { run })).toEqual([])
    expect(await versionsOf(out)).toEqual(['said x'])
  })

  test('as a process leaves an empty loop on SIGTERM [I16]', async () => {
    const { root, pipeline } = await given('obey')
    const child = startProcess(pipeline, root)
    const joined = await one('WorkerJoined', { pool: pipeline })
    const ending = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    child.kill('SIGTERM')
    expect(await ending).toBe(0)
    expect(await eventsWhere('WorkerLeft', { worker: joined.worker })).toHaveLength(1)
  })

  test('whose heartbeats end is lost, and back with the next one', async () => {
    const { root, pipeline } = await given('obey')
    let silent = false
    const { worker } = await startWorker(pipeline, root, {}, ({ live }) => ({
      live: { ...live, put: async (...fact) => (silent ? undefined : live.put(...fact)) },
    }))
    await one('WorkerJoined', { worker })
    silent = true
    await one('WorkerLost', { worker })
    silent = false
    await until('back', async () => (await eventsWhere('WorkerJoined', { worker })).length === 2)
  })
})
