/**
 * GTFS counts time from "noon minus 12 hours" of the agency's day, which is not midnight on the two
 * days a year when the clocks change. Here an instant becomes service days and back.
 */
export type ServiceDay = {
  /** 20261121 as text, as trip descriptors want it. */
  readonly date: string
  readonly startMs: number
  /** 0 is Sunday. */
  readonly weekday: number
}

const day_ms = 86_400_000

/** The service day of an instant and the one before, whose late trips may still be on the road. */
export function serviceDays(timezone: string, nowMs: number): readonly ServiceDay[] {
  const today = serviceDay(timezone, nowMs)
  return [serviceDay(timezone, today.startMs + day_ms / 2 - day_ms), today]
}

function serviceDay(timezone: string, nowMs: number): ServiceDay {
  const local = new Date(nowMs + offsetMs(timezone, nowMs))
  const noonLocal = Math.floor(local.getTime() / day_ms) * day_ms + day_ms / 2
  const noonMs = noonLocal - offsetMs(timezone, noonLocal - offsetMs(timezone, nowMs))
  const date = local.toISOString().slice(0, 10).replaceAll('-', '')
  return { date, startMs: noonMs - day_ms / 2, weekday: local.getUTCDay() }
}

/** How far a time zone's clock is ahead of UTC at an instant. */
function offsetMs(timezone: string, nowMs: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(nowMs)
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((candidate) => candidate.type === type)?.value)
  const [hour, minute, second] = [part('hour'), part('minute'), part('second')]
  const asUtc = Date.UTC(part('year'), part('month') - 1, part('day'), hour, minute, second)
  return asUtc - Math.floor(nowMs / 1_000) * 1_000
}
