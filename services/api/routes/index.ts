/** Every group of routes, one line each. */
import type { Routes } from '../api.ts'
import { answersRoutes } from './answers.ts'
import { assetVersionsRoutes } from './asset-versions.ts'
import { assetsRoutes } from './assets.ts'
import { auditRoutes } from './audit.ts'
import { bulkRedriveRoutes } from './bulk-redrive.ts'
import { canariesRoutes } from './canaries.ts'
import { chosenRunsRoutes } from './chosen-runs.ts'
import { causesRoutes } from './causes.ts'
import { configDiffRoutes } from './config-diff.ts'
import { configLogRoutes } from './config-log.ts'
import { configRollbackRoutes } from './config-rollback.ts'
import { contentRoutes } from './content.ts'
import { dagRoutes } from './dag.ts'
import { deadLettersRoutes } from './dead-letters.ts'
import { healthRoutes } from './health.ts'
import { interactionsRoutes } from './interactions.ts'
import { logRoutes } from './log.ts'
import { metricsRoutes } from './metrics.ts'
import { pipelineWishesRoutes } from './pipeline-wishes.ts'
import { pipelinesRoutes } from './pipelines.ts'
import { projectionsRoutes } from './projections.ts'
import { pushRoutes } from './push.ts'
import { redrivesRoutes } from './redrives.ts'
import { releaseWishesRoutes } from './release-wishes.ts'
import { releasesRoutes } from './releases.ts'
import { runWishesRoutes } from './run-wishes.ts'
import { runRoutes } from './run.ts'
import { runsRoutes } from './runs.ts'
import { sessionRoutes } from './session.ts'
import { sinksRoutes } from './sinks.ts'
import { sourcesRoutes } from './sources.ts'
import { statusRoutes } from './status.ts'
import { tasksRoutes } from './tasks.ts'
import { streamRoutes } from './stream.ts'
import { streamsRoutes } from './streams.ts'
import { tokensRoutes } from './tokens.ts'
import { triggerRoutes } from './trigger.ts'
import { unreadableRoutes } from './unreadable.ts'
import { versionDifferenceRoutes } from './version-difference.ts'
import { webhooksRoutes } from './webhooks.ts'
import { whyRoutes } from './why.ts'
import { windowsRoutes } from './windows.ts'
import { workersRoutes } from './workers.ts'

export const routes: readonly Routes[] = [
  statusRoutes,
  workersRoutes,
  assetsRoutes,
  assetVersionsRoutes,
  versionDifferenceRoutes,
  contentRoutes,
  pushRoutes,
  runsRoutes,
  runRoutes,
  runWishesRoutes,
  chosenRunsRoutes,
  interactionsRoutes,
  answersRoutes,
  deadLettersRoutes,
  bulkRedriveRoutes,
  redrivesRoutes,
  pipelinesRoutes,
  pipelineWishesRoutes,
  triggerRoutes,
  windowsRoutes,
  dagRoutes,
  releasesRoutes,
  releaseWishesRoutes,
  canariesRoutes,
  unreadableRoutes,
  webhooksRoutes,
  tasksRoutes,
  sourcesRoutes,
  sinksRoutes,
  configLogRoutes,
  configDiffRoutes,
  configRollbackRoutes,
  whyRoutes,
  logRoutes,
  causesRoutes,
  streamRoutes,
  streamsRoutes,
  projectionsRoutes,
  auditRoutes,
  tokensRoutes,
  sessionRoutes,
  healthRoutes,
  metricsRoutes,
]
