/**
 * What one execution of a step leaves behind. Authors may log and find as they like: what is kept is
 * bounded, because a run's events have to fit into the log's messages, and what was left out is told.
 */
import type { FindingRecord } from '@headway/schemas/definitions.ts'
import type { Finding } from './steps/step.ts'

const logsMax = 200
const logCharactersMax = 2_000
const findingsMax = 1_000
const findingCharactersMax = 4_000
/** Everything a step says, in UTF-8. Half of what a message of the log can hold. */
const saidBytesMax = 500_000

export type StepReport = {
  readonly step: string
  readonly index: number
  readonly startedAt: number
  readonly endedAt: number
  readonly durationMs: number
  readonly rowsIn: number
  readonly rowsOut: number
  readonly logs: string[]
  readonly findings: FindingRecord[]
}
/** Where a report begins. */
export type StepStart = Pick<StepReport, 'step' | 'index' | 'startedAt' | 'rowsIn'>

const severities = new Set(['error', 'warning', 'info'])

/** A finding as the log takes it, whatever an author's code handed over. */
const recordOf = ({ code, severity, message, subject, count = 1 }: Finding): FindingRecord => ({
  code: String(code).slice(0, 100),
  severity: severities.has(severity) ? severity : 'info',
  message: String(message).slice(0, findingCharactersMax),
  ...(subject && {
    subject: Object.fromEntries(
      Object.entries(subject).map(([key, value]) => [key, String(value)]),
    ),
  }),
  count: Number.isSafeInteger(count) && count > 0 ? count : 1,
})

const sizeOf = ({ code, message, subject }: FindingRecord): number =>
  50 + Buffer.byteLength(code + message + (subject ? JSON.stringify(subject) : ''))

/** Gathers what a step says; what does not fit any more is counted. */
export class Report {
  readonly #start: StepStart
  readonly #logs: string[] = []
  readonly #findings: FindingRecord[] = []
  #bytes = 0
  #logsLeftOut = 0
  #findingsLeftOut = 0

  constructor(start: StepStart) {
    this.#start = start
  }

  /** Answers what was kept of it, or null. */
  log(message: string): string | null {
    const line = String(message).slice(0, logCharactersMax)
    const isKept = this.#logs.length < logsMax && this.#takes(Buffer.byteLength(line))
    if (isKept) this.#logs.push(line)
    else this.#logsLeftOut++
    return isKept ? line : null
  }

  finding(finding: Finding): FindingRecord | null {
    const record = recordOf(finding)
    const isKept = this.#findings.length < findingsMax && this.#takes(sizeOf(record))
    if (isKept) this.#findings.push(record)
    else this.#findingsLeftOut++
    return isKept ? record : null
  }

  end(endedAt: number, rowsOut: number): StepReport {
    const durationMs = Math.max(0, Math.round((endedAt - this.#start.startedAt) * 1_000) / 1_000)
    const logs = [...this.#logs]
    if (this.#logsLeftOut > 0) logs.push(`… and ${this.#logsLeftOut} more lines`)
    const findings = [...this.#findings]
    if (this.#findingsLeftOut > 0)
      findings.push({
        code: 'findings_left_out',
        severity: 'info',
        message: 'more was found than can be kept',
        count: this.#findingsLeftOut,
      })
    return { ...this.#start, endedAt, durationMs, rowsOut, logs, findings }
  }

  #takes(bytes: number): boolean {
    if (this.#bytes + bytes > saidBytesMax) return false
    this.#bytes += bytes
    return true
  }
}
