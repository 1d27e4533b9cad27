/** What is measured, under the names by which the field knows such things. No id is ever a label. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

const seconds = [0.005, 0.02, 0.1, 0.5, 2, 10, 30, 120, 600, 3_600]

export type Meters = ReturnType<typeof openMeters>

export const openMeters = () => {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `headway_${name}`, help, labelNames, registers })
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `headway_${name}`, help, labelNames, registers })
  const histogram = (name: string, help: string, ...labelNames: string[]) =>
    new Histogram({ name: `headway_${name}`, help, labelNames, buckets: seconds, registers })
  return {
    registry,
    build: gauge('build_info', 'Always 1; the labels tell what runs.', 'version'),
    fetchAge: gauge('fetch_age_seconds', 'Since the source was last found well.', 'asset'),
    fetchTrouble: gauge('fetch_troubled', '1 while the source is in trouble.', 'asset', 'code'),
    freshness: gauge('fetch_freshness_seconds', 'The age from which it is stale.', 'asset'),
    windowWait: histogram('window_wait_seconds', 'From first change to the run.', 'pipeline'),
    queueAge: gauge('queue_age_seconds', 'Age of the oldest waiting run.', 'pipeline', 'version'),
    runs: gauge('runs', 'Runs that are not over, by status.', 'status'),
    runDuration: histogram('run_duration_seconds', 'Of ended attempts.', 'pipeline', 'outcome'),
    stepDuration: histogram('step_duration_seconds', 'Of steps.', 'pipeline', 'step'),
    redeliveries: counter('redeliveries_total', 'Attempts after the first.', 'pipeline'),
    drifts: counter('drifts_total', 'Drift that began or changed.', 'sink'),
    driftsUnknown: counter('drift_unknown_total', 'Sinks that nobody could look into.', 'sink'),
    heals: counter('heals_total', 'Runs that were asked for to undo drift.', 'sink'),
    position: gauge('projector_position', 'The newest sequence in the read models.'),
    head: gauge('log_head', 'The newest sequence of the log.'),
    lag: gauge('projector_lag_events', 'Commits that are not in the read models yet.'),
    deadLetters: gauge('dead_letters', 'What ended badly and was not redriven.', 'kind'),
    contentBytes: gauge('content_bytes', 'Stored bytes of contents.'),
    workers: gauge('workers', 'Workers by status.', 'status'),
    questions: gauge('open_questions', 'Questions that runs wait for.'),
    paused: gauge('paused_pipelines', 'Pipelines that somebody paused.'),
  }
}
