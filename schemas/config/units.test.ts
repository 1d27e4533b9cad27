import { expect, test } from 'vitest'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

test('a duration that is written and read again is the same', () => {
  const lost: number[] = []
  const tryOut = (ms: number) => {
    if (parseDuration(formatDuration(ms)) !== ms) lost.push(ms)
  }
  for (let ms = 0; ms < 200_000; ms++) tryOut(ms)
  for (let i = 1; i < 50_000; i++) tryOut(i * 17_280_000 + (i % 7) * (i % 1_000))
  expect(lost).toEqual([])
})

test('durations are written as people do', () => {
  const pairs = { 0: '0', 500: '500ms', 1_500: '1500ms', 90_000: '90s', 172_800_000: '2d' }
  for (const [ms, text] of Object.entries(pairs)) expect(formatDuration(Number(ms))).toBe(text)
})

test('what is no duration in whole milliseconds is none', () => {
  for (const text of [
    '',
    '1',
    '1 s',
    '-1s',
    '1.s',
    '.5s',
    '0.5ms',
    '1w',
    '1S',
    '99999999999999999d',
  ])
    expect(parseDuration(text)).toBeNull()
  expect(parseDuration('1.005s')).toBe(1_005)
  expect(parseDuration('0.5h')).toBe(1_800_000)
})

test('sizes', () => {
  expect(parseSize('200MB')).toBe(200_000_000)
  expect(parseSize('1.5KiB')).toBe(1_536)
  expect(parseSize('0.3B')).toBeNull()
  for (const bytes of [0, 1, 1_000, 1_024, 1_536, 200_000_000, 2 ** 28])
    expect(parseSize(formatSize(bytes))).toBe(bytes)
})
