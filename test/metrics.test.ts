import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openMeters } from '@headway/api/metrics/meters.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiWorld } from './api-world.ts'
import { until } from './harness.ts'

const here = fileURLToPath(new URL('../deploy/observability', import.meta.url))
const promtool = spawnSync('promtool', ['--version']).status === 0
const read = (file: string): string => readFileSync(`${here}/${file}`, 'utf8')

describe('what is measured', () => {
  let world: ApiWorld
  beforeAll(async () => {
    world = await ApiWorld.open()
  })
  afterAll(() => world.close())

  const scrape = async (): Promise<string> => {
    const reply = await world.app.inject({ url: '/metrics' })
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['content-type']).toContain('text/plain')
    return reply.body
  }
  const valueOf = (text: string, line: string): number => {
    const found = text.split('\n').find((one) => one.startsWith(`${line} `))
    return found === undefined ? Number.NaN : Number(found.split(' ').at(-1))
  }

  test('is what the log and the read models say', async () => {
    await world.pipeline('p')
    await world.worker('w1', { p: 'aaaaaaaaaaaa' })
    await world.settled()
    await scrape()
    const run = await world.run('p', { windowOpenedAt: '2026-11-21T00:00:00.000Z' })
    await world.started('p', run)
    await world.started('p', run, 2)
    await world.ended('RunCompleted', 'p', run, { attempt: 2 })
    await world.dead('p')
    await world.run('p')
    await world.settled()
    const text = await until('all of it is counted', async () => {
      const found = await scrape()
      const dead = 'headway_run_duration_seconds_count{pipeline="p",outcome="dead_lettered"}'
      const waits = valueOf(found, 'headway_runs{status="pending"}') === 1
      return valueOf(found, dead) === 1 && waits && found
    })
    const completed = '{pipeline="p",outcome="completed"}'
    expect(valueOf(text, `headway_run_duration_seconds_count${completed}`)).toBe(1)
    expect(valueOf(text, `headway_run_duration_seconds_sum${completed}`)).toBeCloseTo(0.007)
    expect(valueOf(text, 'headway_redeliveries_total{pipeline="p"}')).toBe(1)
    expect(valueOf(text, 'headway_window_wait_seconds_count{pipeline="p"}')).toBe(1)
    expect(valueOf(text, 'headway_dead_letters{kind="run"}')).toBe(1)
    expect(valueOf(text, 'headway_workers{status="healthy"}')).toBe(1)
    expect(valueOf(text, 'headway_content_bytes')).toBeGreaterThanOrEqual(0)
    expect(text).toMatch(/headway_queue_age_seconds\{pipeline="p",version="aaaaaaaaaaaa"\} \d/)
    expect(valueOf(text, 'headway_projector_lag_events')).toBe(0)
  })

  test('is valid for Prometheus', async (context) => {
    if (!promtool) return context.skip('no promtool: the Debian package prometheus has it')
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await scrape() })
    expect(String(checked.stderr)).toBe('')
    expect(checked.status).toBe(0)
  })
})

describe('what watches it', () => {
  test('asks only for what is measured', () => {
    const kinds = { _bucket: '', _count: '', _sum: '' }
    const known = new Set(
      openMeters()
        .registry.getMetricsAsArray()
        .map(({ name }) => name),
    )
    for (const file of ['alerts.yaml', 'dashboard.json']) {
      const names = read(file).match(/\bheadway_[a-z_]+/g)!
      expect(names.length).toBeGreaterThan(8)
      const bare = names.map((name) =>
        Object.keys(kinds).reduce((text, end) => text.replace(new RegExp(`${end}$`), ''), name),
      )
      expect(bare.filter((name) => !known.has(name))).toEqual([])
    }
  })

  test('is a dashboard that Grafana takes', () => {
    const board = JSON.parse(read('dashboard.json')) as {
      panels: { id: number; title: string; targets: { expr: string }[]; datasource: object }[]
    }
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
    for (const { title, targets } of board.panels) {
      expect(title).not.toBe('')
      expect(targets.length).toBeGreaterThan(0)
    }
  })

  test('are rules that Prometheus takes and that fire when they should', (context) => {
    if (!promtool) return context.skip('no promtool: the Debian package prometheus has it')
    for (const words of [
      ['check', 'rules', 'alerts.yaml'],
      ['test', 'rules', 'alerts.test.yaml'],
    ]) {
      const checked = spawnSync('promtool', words, { cwd: here, encoding: 'utf8' })
      expect(checked.stdout + checked.stderr).not.toMatch(/FAILED|error/i)
      expect(checked.status).toBe(0)
    }
  })
})
