/** Every sink there is. Clients are imported when a sink is opened, so that this costs nothing. */
import { configmap } from './configmap.ts'
import { file } from './file.ts'
import { helm } from './helm.ts'
import { http } from './http.ts'
import { mongodb } from './mongodb.ts'
import { natsKv } from './nats-kv.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { s3 } from './s3.ts'
import type { AnySinkType } from './sink.ts'
import { vercel } from './vercel.ts'
import { zookeeper } from './zookeeper.ts'

export const sinkTypes: readonly AnySinkType[] = [
  natsKv,
  postgres,
  redis,
  s3,
  configmap,
  file,
  http,
  mongodb,
  zookeeper,
  helm,
  vercel,
]
