/** Every group of routes, one line each. */
import type { Routes } from '../api.ts'
import { assetVersionsRoutes } from './asset-versions.ts'
import { assetsRoutes } from './assets.ts'
import { contentRoutes } from './content.ts'
import { dagRoutes } from './dag.ts'
import { healthRoutes } from './health.ts'
import { pipelinesRoutes } from './pipelines.ts'
import { pushRoutes } from './push.ts'
import { releasesRoutes } from './releases.ts'
import { runRoutes } from './run.ts'
import { runsRoutes } from './runs.ts'
import { statusRoutes } from './status.ts'
import { triggerRoutes } from './trigger.ts'
import { unreadableRoutes } from './unreadable.ts'
import { windowsRoutes } from './windows.ts'
import { workersRoutes } from './workers.ts'

export const routes: readonly Routes[] = [
  statusRoutes,
  workersRoutes,
  assetsRoutes,
  assetVersionsRoutes,
  contentRoutes,
  pushRoutes,
  runsRoutes,
  runRoutes,
  pipelinesRoutes,
  triggerRoutes,
  windowsRoutes,
  dagRoutes,
  releasesRoutes,
  unreadableRoutes,
  healthRoutes,
]
