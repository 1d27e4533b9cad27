// Generated from /openapi.json by test/openapi.test.ts: npx vitest run test/openapi.test.ts -u
type Nothing = Readonly<Record<string, never>>

export type Operations = {
  /** Counts of workers, assets, pipelines and runs */
  'GET /api/v1/status': {
    readonly path: Nothing
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly connectedWorkers: number
      readonly registeredAssets: number
      readonly cachedAssetVersions: number
      readonly troubledAssets: number
      readonly pipelines: number
      readonly runs: {
        readonly total: number
        readonly pending: number
        readonly running: number
        readonly retrying: number
        readonly waitingExternal: number
        readonly completed: number
        readonly failed: number
        readonly deadLettered: number
        readonly cancelled: number
        readonly superseded: number
      }
      readonly openQuestions: number
      readonly pausedPipelines: number
      readonly refusedCommands: number
      readonly unreadable: number
      readonly projectedSeq: number
      readonly tenant: string
      readonly version: string
      readonly uptimeMs: number
      readonly at: string
    }
  }
  /** Workers, newest first; with ?all=true every worker there was */
  'GET /api/v1/workers': {
    readonly path: Nothing
    readonly query: {
      readonly all?: boolean | undefined
      readonly status?: readonly ('healthy' | 'draining' | 'stale' | 'unavailable')[] | undefined
      readonly pool?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly pool: string
      readonly version: string
      readonly pipelines: Readonly<Record<string, string>>
      readonly alsoServes: Readonly<Record<string, readonly string[]>>
      readonly capabilities: readonly string[]
      readonly status: 'healthy' | 'draining' | 'stale' | 'unavailable'
      readonly reason: string | null
      readonly drainRequestedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly lastSeenAt: string | null
      readonly running: number
      readonly host: string
      readonly pid: number
      readonly joinedAt: string
      readonly since: string | null
    }[]
  }
  /** One worker */
  'GET /api/v1/workers/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly pool: string
      readonly version: string
      readonly pipelines: Readonly<Record<string, string>>
      readonly alsoServes: Readonly<Record<string, readonly string[]>>
      readonly capabilities: readonly string[]
      readonly status: 'healthy' | 'draining' | 'stale' | 'unavailable'
      readonly reason: string | null
      readonly drainRequestedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly lastSeenAt: string | null
      readonly running: number
      readonly host: string
      readonly pid: number
      readonly joinedAt: string
      readonly since: string | null
    }
  }
  /** Let a worker finish what it holds and take nothing new */
  'POST /api/v1/workers/{id}/drain': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Let a worker that drains take runs again */
  'POST /api/v1/workers/{id}/resume': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Assets with their newest version and the state of their source */
  'GET /api/v1/assets': {
    readonly path: Nothing
    readonly query: {
      readonly kind?:
        | 'gtfs_schedule_zip'
        | 'gtfs_rt_protobuf'
        | 'csv_table'
        | 'opaque_bytes'
        | 'config_tree'
        | 'config_documents'
        | 'config_values'
        | 'sync_report'
        | undefined
      readonly producer?: string | undefined
      readonly stale?: boolean | undefined
      readonly q?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly key: string
      readonly kind: string
      readonly versionStrategy: string
      readonly cached: boolean
      readonly latestVersion: string | null
      readonly latestOrdinal: number | null
      readonly latestSizeBytes: number | null
      readonly latestAt: string | null
      readonly stale: boolean
      readonly trouble: {
        readonly code: string
        readonly detail: string | null
        readonly since: string | null
      } | null
      readonly lastCheckedAt: string | null
      readonly freshness: {
        readonly limitMs: number | null
        readonly goodAt: string | null
        readonly ageMs: number | null
      }
      readonly notBefore: string | null
      readonly producer: string | null
      readonly source: {
        readonly url: string
        readonly cadenceMs: number | null
        readonly auth: string | null
      } | null
      readonly removed: boolean
      readonly seq: number
    }[]
  }
  /** One asset */
  'GET /api/v1/assets/{key}': {
    readonly path: {
      readonly key: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly key: string
      readonly kind: string
      readonly versionStrategy: string
      readonly cached: boolean
      readonly latestVersion: string | null
      readonly latestOrdinal: number | null
      readonly latestSizeBytes: number | null
      readonly latestAt: string | null
      readonly stale: boolean
      readonly trouble: {
        readonly code: string
        readonly detail: string | null
        readonly since: string | null
      } | null
      readonly lastCheckedAt: string | null
      readonly freshness: {
        readonly limitMs: number | null
        readonly goodAt: string | null
        readonly ageMs: number | null
      }
      readonly notBefore: string | null
      readonly producer: string | null
      readonly source: {
        readonly url: string
        readonly cadenceMs: number | null
        readonly auth: string | null
      } | null
      readonly removed: boolean
      readonly seq: number
    }
  }
  /** Look at the source now */
  'POST /api/v1/assets/{key}/fetch': {
    readonly path: {
      readonly key: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Versions, newest first */
  'GET /api/v1/assets/{key}/versions': {
    readonly path: {
      readonly key: string
    }
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly version: string
      readonly ordinal: number
      readonly asset: string
      readonly kind: string
      readonly rawDigest: string
      readonly contentDigest: string
      readonly sizeBytes: number
      readonly rows: number
      readonly facts: Readonly<Record<string, string | number>>
      readonly renditions: readonly {
        readonly name: string
        readonly mediaType: string
        readonly digest: string
        readonly sizeBytes: number
        readonly href: string
      }[]
      readonly sameAs: string | null
      readonly sourceAt: string | null
      readonly etag: string | null
      readonly lastModified: string | null
      readonly origin:
        | {
            readonly by: 'fetch'
            readonly url: string
            readonly status: number
          }
        | {
            readonly by: 'push'
            readonly push: string
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            }
          }
        | {
            readonly by: 'run'
            readonly run: string
            readonly epoch?: number | undefined
            readonly attempt: number
            readonly pipeline: string
            readonly pipelineVersion: string
            readonly output: string
          }
      readonly runId: string | null
      readonly recordedAt: string
      readonly seq: number
    }[]
  }
  /** One version */
  'GET /api/v1/assets/{key}/versions/{version}': {
    readonly path: {
      readonly key: string
      readonly version: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly version: string
      readonly ordinal: number
      readonly asset: string
      readonly kind: string
      readonly rawDigest: string
      readonly contentDigest: string
      readonly sizeBytes: number
      readonly rows: number
      readonly facts: Readonly<Record<string, string | number>>
      readonly renditions: readonly {
        readonly name: string
        readonly mediaType: string
        readonly digest: string
        readonly sizeBytes: number
        readonly href: string
      }[]
      readonly sameAs: string | null
      readonly sourceAt: string | null
      readonly etag: string | null
      readonly lastModified: string | null
      readonly origin:
        | {
            readonly by: 'fetch'
            readonly url: string
            readonly status: number
          }
        | {
            readonly by: 'push'
            readonly push: string
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            }
          }
        | {
            readonly by: 'run'
            readonly run: string
            readonly epoch?: number | undefined
            readonly attempt: number
            readonly pipeline: string
            readonly pipelineVersion: string
            readonly output: string
          }
      readonly runId: string | null
      readonly recordedAt: string
      readonly seq: number
    }
  }
  /** How a version differs from another one, by rows or entities */
  'GET /api/v1/assets/{key}/versions/{version}/difference': {
    readonly path: {
      readonly key: string
      readonly version: string
    }
    readonly query: {
      readonly against?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly asset: string
      readonly kind: string
      readonly before: string
      readonly after: string
      readonly difference: {
        readonly verdict: 'identical' | 'same_content' | 'different'
        readonly parts: readonly {
          readonly name: string
          readonly unit: 'rows' | 'entities' | 'header' | 'bytes'
          readonly change: 'added' | 'removed' | 'changed' | 'unreadable'
          readonly before: number
          readonly after: number
          readonly added: number
          readonly removed: number
          readonly changed: number
          readonly fields?: Readonly<Record<string, number>> | undefined
          readonly columns?:
            | {
                readonly added: readonly string[]
                readonly removed: readonly string[]
              }
            | undefined
          readonly problem?: string | undefined
        }[]
        readonly partsOmitted?: number | undefined
        readonly samples: readonly {
          readonly part: string
          readonly key: string
          readonly change: 'added' | 'removed' | 'changed'
          readonly fields?:
            | Readonly<Record<string, readonly [string | null, string | null]>>
            | undefined
        }[]
      }
    }
  }
  /** The newest version’s bytes */
  'GET /api/v1/assets/{key}/content': {
    readonly path: {
      readonly key: string
    }
    readonly query: {
      readonly rendition?: string | undefined
    }
    readonly body: undefined
    readonly answer: string
  }
  /** Push bytes for an asset without a url */
  'PUT /api/v1/assets/{key}/content': {
    readonly path: {
      readonly key: string
    }
    readonly query: {
      readonly wait?: number | undefined
    }
    readonly body: Blob
    readonly answer:
      | {
          readonly version: string
          readonly ordinal: number
          readonly asset: string
          readonly kind: string
          readonly rawDigest: string
          readonly contentDigest: string
          readonly sizeBytes: number
          readonly rows: number
          readonly facts: Readonly<Record<string, string | number>>
          readonly renditions: readonly {
            readonly name: string
            readonly mediaType: string
            readonly digest: string
            readonly sizeBytes: number
            readonly href: string
          }[]
          readonly sameAs: string | null
          readonly sourceAt: string | null
          readonly etag: string | null
          readonly lastModified: string | null
          readonly origin:
            | {
                readonly by: 'fetch'
                readonly url: string
                readonly status: number
              }
            | {
                readonly by: 'push'
                readonly push: string
                readonly actor: {
                  readonly name: string
                  readonly reason?: string | undefined
                }
              }
            | {
                readonly by: 'run'
                readonly run: string
                readonly epoch?: number | undefined
                readonly attempt: number
                readonly pipeline: string
                readonly pipelineVersion: string
                readonly output: string
              }
          readonly runId: string | null
          readonly recordedAt: string
          readonly seq: number
        }
      | {
          readonly id?: string | undefined
          readonly seq?: number | undefined
          readonly status: string
        }
  }
  /** A version’s bytes */
  'GET /api/v1/assets/{key}/versions/{version}/content': {
    readonly path: {
      readonly key: string
      readonly version: string
    }
    readonly query: {
      readonly rendition?: string | undefined
    }
    readonly body: undefined
    readonly answer: string
  }
  /** Runs, newest first */
  'GET /api/v1/runs': {
    readonly path: Nothing
    readonly query: {
      readonly pipeline?: string | undefined
      readonly version?: string | undefined
      readonly status?:
        | readonly (
            | 'pending'
            | 'running'
            | 'waiting_external'
            | 'retrying'
            | 'completed'
            | 'failed'
            | 'dead_lettered'
            | 'cancelled'
            | 'superseded'
            | 'waiting_for_worker'
          )[]
        | undefined
      readonly canary?: boolean | undefined
      readonly since?: string | undefined
      readonly until?: string | undefined
      readonly q?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly pipelineId: string
      readonly pipelineVersion: string | null
      readonly status:
        | 'pending'
        | 'running'
        | 'waiting_external'
        | 'retrying'
        | 'completed'
        | 'failed'
        | 'dead_lettered'
        | 'cancelled'
        | 'superseded'
        | 'waiting_for_worker'
      readonly since: string
      readonly reason: string
      readonly why: string
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly waitingFor: {
        readonly what: string
        readonly detail: string
        readonly pipelineVersion?: string | undefined
        readonly at?: string | undefined
      } | null
      readonly epoch: number
      readonly attempt: number
      readonly worker: string | null
      readonly requestedAt: string
      readonly startedAt: string | null
      readonly endedAt: string | null
      readonly durationMs: number | null
      readonly windowOpenedAt: string | null
      readonly nextAttemptAt: string | null
      readonly triggerCount: number
      readonly pinned: boolean
      readonly canary: {
        readonly id: string
        readonly of: string
      } | null
      readonly supersededBy: string | null
      readonly redrives: number
      readonly error: {
        readonly type: string
        readonly message: string
      } | null
      readonly seq: number
    }[]
  }
  /** One run with its steps, findings, artifacts, errors and attempts */
  'GET /api/v1/runs/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly pipelineId: string
      readonly pipelineVersion: string | null
      readonly status:
        | 'pending'
        | 'running'
        | 'waiting_external'
        | 'retrying'
        | 'completed'
        | 'failed'
        | 'dead_lettered'
        | 'cancelled'
        | 'superseded'
        | 'waiting_for_worker'
      readonly since: string
      readonly reason: string
      readonly why: string
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly waitingFor: {
        readonly what: string
        readonly detail: string
        readonly pipelineVersion?: string | undefined
        readonly at?: string | undefined
      } | null
      readonly epoch: number
      readonly attempt: number
      readonly worker: string | null
      readonly requestedAt: string
      readonly startedAt: string | null
      readonly endedAt: string | null
      readonly durationMs: number | null
      readonly windowOpenedAt: string | null
      readonly nextAttemptAt: string | null
      readonly triggerCount: number
      readonly pinned: boolean
      readonly canary: {
        readonly id: string
        readonly of: string
      } | null
      readonly supersededBy: string | null
      readonly redrives: number
      readonly error: {
        readonly type: string
        readonly message: string
      } | null
      readonly seq: number
      readonly attemptsMax: number | null
      readonly inputs: Readonly<
        Record<
          string,
          {
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly digest: string
            readonly sizeBytes: number
            readonly kind: string
          }
        >
      >
      readonly ownInputs: Readonly<
        Record<
          string,
          {
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly digest: string
            readonly sizeBytes: number
            readonly kind: string
          }
        >
      >
      readonly triggeredBy: readonly {
        readonly asset: string
        readonly version: string
        readonly ordinal: number
        readonly digest: string
        readonly sizeBytes: number
        readonly kind: string
      }[]
      readonly carriedOver: readonly {
        readonly asset: string
        readonly version: string
        readonly ordinal: number
        readonly digest: string
        readonly sizeBytes: number
        readonly kind: string
      }[]
      readonly disabledSteps: readonly string[]
      readonly cancelRequestedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly cancelledBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly redrivenBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly steps: readonly {
        readonly id: string
        readonly index: number
        readonly epoch: number
        readonly attempt: number
        readonly status: string
        readonly reason: string | null
        readonly reusedFrom: {
          readonly epoch: number
          readonly attempt: number
          readonly sizeBytes: number
        } | null
        readonly startedAt: string | null
        readonly endedAt: string | null
        readonly durationMs: number | null
        readonly rowsIn: number | null
        readonly rowsOut: number | null
        readonly findings: readonly {
          readonly code: string
          readonly severity: string
          readonly message: string
          readonly subject?: Readonly<Record<string, string>> | undefined
          readonly count: number
        }[]
        readonly logs: readonly string[]
        readonly error: {
          readonly type: string
          readonly message: string
        } | null
      }[]
      readonly earlierAttempts: readonly {
        readonly epoch: number
        readonly attempt: number
        readonly steps: readonly {
          readonly id: string
          readonly index: number
          readonly epoch: number
          readonly attempt: number
          readonly status: string
          readonly reason: string | null
          readonly reusedFrom: {
            readonly epoch: number
            readonly attempt: number
            readonly sizeBytes: number
          } | null
          readonly startedAt: string | null
          readonly endedAt: string | null
          readonly durationMs: number | null
          readonly rowsIn: number | null
          readonly rowsOut: number | null
          readonly findings: readonly {
            readonly code: string
            readonly severity: string
            readonly message: string
            readonly subject?: Readonly<Record<string, string>> | undefined
            readonly count: number
          }[]
          readonly logs: readonly string[]
          readonly error: {
            readonly type: string
            readonly message: string
          } | null
        }[]
      }[]
      readonly errors: readonly {
        readonly epoch: number
        readonly attempt: number
        readonly outcome: string
        readonly type: string
        readonly message: string
        readonly fingerprint: string
        readonly nextAttemptAt: string | null
        readonly recordedAt: string
        readonly seq: number
      }[]
      readonly questions: readonly {
        readonly id: string
        readonly step: string
        readonly status: string
        readonly assignee: string | null
        readonly group: string | null
        readonly deadlineAt: string
        readonly href: string
      }[]
      readonly redriveHistory: readonly {
        readonly id: string
        readonly epoch: number | null
        readonly actor: {
          readonly name: string
          readonly reason?: string | undefined
        }
        readonly redrivenAt: string | null
      }[]
      readonly artifacts: readonly {
        readonly output: string
        readonly asset: string
        readonly version: string
        readonly ordinal: number
        readonly changed: boolean
        readonly sizeBytes: number
        readonly epoch: number
        readonly attempt: number
        readonly renditions: readonly {
          readonly name: string
          readonly mediaType: string
          readonly digest: string
          readonly sizeBytes: number
          readonly href: string
        }[]
      }[]
    }
  }
  /** End a run: at once when nobody executes it, else as soon as its worker obeys */
  'POST /api/v1/runs/{id}/cancel': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Do a run again that ended badly, with fresh attempts */
  'POST /api/v1/runs/{id}/redrive': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
      readonly version?: string | undefined
      readonly startOver?: boolean | undefined
    }
    readonly answer: {
      readonly id: string
      readonly redrive: string
      readonly status: string
      readonly seq: number
    }
  }
  /** End the runs that are named */
  'POST /api/v1/runs/cancel': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly runs: readonly string[]
      readonly dryRun?: boolean | undefined
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly dryRun: boolean
      readonly count: number
      readonly unknown: readonly string[]
      readonly runs: readonly {
        readonly id: string
        readonly pipelineId: string
        readonly status: string
        readonly does: boolean
        readonly why: string
      }[]
      readonly seq?: number | undefined
    }
  }
  /** Do the runs that are named again, with fresh attempts */
  'POST /api/v1/runs/redrive': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly runs: readonly string[]
      readonly dryRun?: boolean | undefined
      readonly reason?: string | undefined
      readonly startOver?: boolean | undefined
    }
    readonly answer: {
      readonly dryRun: boolean
      readonly count: number
      readonly unknown: readonly string[]
      readonly runs: readonly {
        readonly id: string
        readonly pipelineId: string
        readonly status: string
        readonly does: boolean
        readonly why: string
      }[]
      readonly seq?: number | undefined
    }
  }
  /** Questions of runs, newest first */
  'GET /api/v1/interactions': {
    readonly path: Nothing
    readonly query: {
      readonly status?: readonly ('waiting' | 'completed' | 'expired' | 'cancelled')[] | undefined
      readonly assignee?: string | undefined
      readonly group?: string | undefined
      readonly step?: string | undefined
      readonly pipeline?: string | undefined
      readonly run?: string | undefined
      readonly correlationId?: string | undefined
      readonly dueBefore?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly pipelineId: string
      readonly run: string
      readonly epoch: number
      readonly attempt: number
      readonly step: string
      readonly status: 'waiting' | 'completed' | 'expired' | 'cancelled'
      readonly correlationId: string | null
      readonly assignee: string | null
      readonly group: string | null
      readonly askedAt: string
      readonly deadlineAt: string
      readonly since: string
      readonly tokenRequired: boolean
      readonly request: unknown
      readonly responseSchema: unknown
      readonly response: unknown
      readonly answeredBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly seq: number
    }[]
  }
  /** One question, with its answer when there is one */
  'GET /api/v1/interactions/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly pipelineId: string
      readonly run: string
      readonly epoch: number
      readonly attempt: number
      readonly step: string
      readonly status: 'waiting' | 'completed' | 'expired' | 'cancelled'
      readonly correlationId: string | null
      readonly assignee: string | null
      readonly group: string | null
      readonly askedAt: string
      readonly deadlineAt: string
      readonly since: string
      readonly tokenRequired: boolean
      readonly request: unknown
      readonly responseSchema: unknown
      readonly response: unknown
      readonly answeredBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly seq: number
    }
  }
  /** A signed token that answers this question until its deadline */
  'POST /api/v1/interactions/{id}/token': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly interactionId: string
      readonly resumeToken: string
      readonly expiresAt: string
    }
  }
  /** Answer a question of a run, by id, correlation id or resume token */
  'POST /api/v1/interactions/complete': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly interactionId?: string | undefined
      readonly correlationId?: string | undefined
      readonly pipelineId?: string | undefined
      readonly resumeToken?: string | undefined
      readonly response: unknown
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly status: 'completed' | 'held' | 'accepted'
      readonly duplicate: boolean
      readonly interactionId: string | null
      readonly pipelineId: string
      readonly run: string | null
      readonly seq: number
    }
  }
  /** Runs that ended badly, refused commands and unreadable messages, newest first */
  'GET /api/v1/dead-letters': {
    readonly path: Nothing
    readonly query: {
      readonly kind?: readonly ('run' | 'command' | 'message')[] | undefined
      readonly pipeline?: string | undefined
      readonly version?: string | undefined
      readonly type?: string | undefined
      readonly fingerprint?: string | undefined
      readonly status?: readonly ('dead_lettered' | 'failed' | 'cancelled')[] | undefined
      readonly since?: string | undefined
      readonly until?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly kind: 'run' | 'command' | 'message'
      readonly pipelineId: string | null
      readonly version: string | null
      readonly status: string | null
      readonly epoch: number | null
      readonly attempt: number | null
      readonly type: string
      readonly message: string
      readonly fingerprint: string | null
      readonly at: string
      readonly href: string
      readonly seq: number
    }[]
  }
  /** One dead letter with its whole history of errors */
  'GET /api/v1/dead-letters/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly kind: 'run' | 'command' | 'message'
      readonly id: string
      readonly run?:
        | {
            readonly id: string
            readonly pipelineId: string
            readonly pipelineVersion: string | null
            readonly status:
              | 'pending'
              | 'running'
              | 'waiting_external'
              | 'retrying'
              | 'completed'
              | 'failed'
              | 'dead_lettered'
              | 'cancelled'
              | 'superseded'
              | 'waiting_for_worker'
            readonly since: string
            readonly reason: string
            readonly why: string
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            } | null
            readonly waitingFor: {
              readonly what: string
              readonly detail: string
              readonly pipelineVersion?: string | undefined
              readonly at?: string | undefined
            } | null
            readonly epoch: number
            readonly attempt: number
            readonly worker: string | null
            readonly requestedAt: string
            readonly startedAt: string | null
            readonly endedAt: string | null
            readonly durationMs: number | null
            readonly windowOpenedAt: string | null
            readonly nextAttemptAt: string | null
            readonly triggerCount: number
            readonly pinned: boolean
            readonly canary: {
              readonly id: string
              readonly of: string
            } | null
            readonly supersededBy: string | null
            readonly redrives: number
            readonly error: {
              readonly type: string
              readonly message: string
            } | null
            readonly seq: number
          }
        | undefined
      readonly errors?:
        | readonly {
            readonly epoch: number
            readonly attempt: number
            readonly outcome: string
            readonly type: string
            readonly message: string
            readonly fingerprint: string
            readonly nextAttemptAt: string | null
            readonly recordedAt: string
            readonly seq: number
          }[]
        | undefined
      readonly queue?: string | undefined
      readonly about?: string | undefined
      readonly subject?: string | undefined
      readonly problem?: string | undefined
      readonly deliveries?: number | undefined
      readonly sample?: string | undefined
      readonly at: string
      readonly seq: number
    }
  }
  /** Redrive the runs that a filter finds; with dryRun only say which */
  'POST /api/v1/dead-letters/redrive': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly filter?:
        | {
            readonly pipeline?: string | undefined
            readonly version?: string | undefined
            readonly type?: string | undefined
            readonly fingerprint?: string | undefined
            readonly status?: readonly ('dead_lettered' | 'failed' | 'cancelled')[] | undefined
            readonly since?: string | undefined
            readonly until?: string | undefined
          }
        | undefined
      readonly dryRun?: boolean | undefined
      readonly cap?: number | undefined
      readonly perMinute?: number | undefined
      readonly failuresMax?: number | undefined
      readonly version?: string | undefined
      readonly startOver?: boolean | undefined
      readonly reason?: string | undefined
    }
    readonly answer:
      | {
          readonly dryRun: boolean
          readonly matching: number
          readonly unusable: number
          readonly count: number
          readonly capped: boolean
          readonly groups: readonly {
            readonly pipelineId: string
            readonly fingerprint: string
            readonly type: string
            readonly message: string
            readonly count: number
            readonly oldestAt: string
            readonly newestAt: string
          }[]
          readonly sample: readonly string[]
        }
      | {
          readonly dryRun: boolean
          readonly matching: number
          readonly unusable: number
          readonly count: number
          readonly capped: boolean
          readonly groups: readonly {
            readonly pipelineId: string
            readonly fingerprint: string
            readonly type: string
            readonly message: string
            readonly count: number
            readonly oldestAt: string
            readonly newestAt: string
          }[]
          readonly sample: readonly string[]
          readonly duplicate: boolean
          readonly redrives: readonly {
            readonly id: string
            readonly pipelineId: string
            readonly count: number
            readonly seq: number
            readonly href: string
          }[]
        }
  }
  /** Redrives, newest first */
  'GET /api/v1/redrives': {
    readonly path: Nothing
    readonly query: {
      readonly pipeline?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly pipelineId: string
      readonly status: 'running' | 'done' | 'stopped'
      readonly version: string | null
      readonly startOver: boolean
      readonly perMinute: number | null
      readonly failuresMax: number | null
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      }
      readonly requested: number
      readonly redriven: number
      readonly passedOver: number
      readonly failed: number
      readonly requestedAt: string
      readonly endedAt: string | null
      readonly seq: number
    }[]
  }
  /** One redrive: how far it is, run by run */
  'GET /api/v1/redrives/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly pipelineId: string
      readonly status: 'running' | 'done' | 'stopped'
      readonly version: string | null
      readonly startOver: boolean
      readonly perMinute: number | null
      readonly failuresMax: number | null
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      }
      readonly requested: number
      readonly redriven: number
      readonly passedOver: number
      readonly failed: number
      readonly requestedAt: string
      readonly endedAt: string | null
      readonly seq: number
      readonly runs: readonly {
        readonly id: string
        readonly status: string
        readonly epoch: number | null
        readonly redrivenAt: string | null
      }[]
    }
  }
  /** Pipelines by name */
  'GET /api/v1/pipelines': {
    readonly path: Nothing
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly activeVersion: string | null
      readonly previousVersion: string | null
      readonly paused: {
        readonly by: {
          readonly name: string
          readonly reason?: string | undefined
        }
        readonly since: string
      } | null
      readonly disabledSteps: readonly string[]
      readonly stepWishes: Readonly<
        Record<
          string,
          {
            readonly disabled: boolean
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            }
            readonly at: string
          }
        >
      >
      readonly definition: {
        readonly folder: string
        readonly pool: string
        readonly slots: Readonly<Record<string, string>>
        readonly debounce: {
          readonly quietMs: number
          readonly maxWaitMs: number
        }
        readonly concurrency: number
        readonly retry: {
          readonly attempts: number
          readonly backoffMs: number
          readonly backoffMsMax: number
          readonly nonRetryable?: readonly string[] | undefined
        }
        readonly stepTimeoutMs: number
        readonly runTimeoutMs: number
        readonly disabledSteps?: readonly string[] | undefined
        readonly priority?: number | undefined
        readonly newestWins?: boolean | undefined
        readonly activation?: string | undefined
      }
      readonly runs: number
      readonly lastRequestedAt: string | null
      readonly lastRun: {
        readonly id: string
        readonly pipelineId: string
        readonly pipelineVersion: string | null
        readonly status:
          | 'pending'
          | 'running'
          | 'waiting_external'
          | 'retrying'
          | 'completed'
          | 'failed'
          | 'dead_lettered'
          | 'cancelled'
          | 'superseded'
          | 'waiting_for_worker'
        readonly since: string
        readonly reason: string
        readonly why: string
        readonly actor: {
          readonly name: string
          readonly reason?: string | undefined
        } | null
        readonly waitingFor: {
          readonly what: string
          readonly detail: string
          readonly pipelineVersion?: string | undefined
          readonly at?: string | undefined
        } | null
        readonly epoch: number
        readonly attempt: number
        readonly worker: string | null
        readonly requestedAt: string
        readonly startedAt: string | null
        readonly endedAt: string | null
        readonly durationMs: number | null
        readonly windowOpenedAt: string | null
        readonly nextAttemptAt: string | null
        readonly triggerCount: number
        readonly pinned: boolean
        readonly canary: {
          readonly id: string
          readonly of: string
        } | null
        readonly supersededBy: string | null
        readonly redrives: number
        readonly error: {
          readonly type: string
          readonly message: string
        } | null
        readonly seq: number
      } | null
      readonly seq: number
    }[]
  }
  /** One pipeline with its last run and its window */
  'GET /api/v1/pipelines/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly activeVersion: string | null
      readonly previousVersion: string | null
      readonly paused: {
        readonly by: {
          readonly name: string
          readonly reason?: string | undefined
        }
        readonly since: string
      } | null
      readonly disabledSteps: readonly string[]
      readonly stepWishes: Readonly<
        Record<
          string,
          {
            readonly disabled: boolean
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            }
            readonly at: string
          }
        >
      >
      readonly definition: {
        readonly folder: string
        readonly pool: string
        readonly slots: Readonly<Record<string, string>>
        readonly debounce: {
          readonly quietMs: number
          readonly maxWaitMs: number
        }
        readonly concurrency: number
        readonly retry: {
          readonly attempts: number
          readonly backoffMs: number
          readonly backoffMsMax: number
          readonly nonRetryable?: readonly string[] | undefined
        }
        readonly stepTimeoutMs: number
        readonly runTimeoutMs: number
        readonly disabledSteps?: readonly string[] | undefined
        readonly priority?: number | undefined
        readonly newestWins?: boolean | undefined
        readonly activation?: string | undefined
      }
      readonly runs: number
      readonly lastRequestedAt: string | null
      readonly lastRun: {
        readonly id: string
        readonly pipelineId: string
        readonly pipelineVersion: string | null
        readonly status:
          | 'pending'
          | 'running'
          | 'waiting_external'
          | 'retrying'
          | 'completed'
          | 'failed'
          | 'dead_lettered'
          | 'cancelled'
          | 'superseded'
          | 'waiting_for_worker'
        readonly since: string
        readonly reason: string
        readonly why: string
        readonly actor: {
          readonly name: string
          readonly reason?: string | undefined
        } | null
        readonly waitingFor: {
          readonly what: string
          readonly detail: string
          readonly pipelineVersion?: string | undefined
          readonly at?: string | undefined
        } | null
        readonly epoch: number
        readonly attempt: number
        readonly worker: string | null
        readonly requestedAt: string
        readonly startedAt: string | null
        readonly endedAt: string | null
        readonly durationMs: number | null
        readonly windowOpenedAt: string | null
        readonly nextAttemptAt: string | null
        readonly triggerCount: number
        readonly pinned: boolean
        readonly canary: {
          readonly id: string
          readonly of: string
        } | null
        readonly supersededBy: string | null
        readonly redrives: number
        readonly error: {
          readonly type: string
          readonly message: string
        } | null
        readonly seq: number
      } | null
      readonly seq: number
      readonly window: {
        readonly pipelineId: string
        readonly state: 'idle' | 'open' | 'blocked'
        readonly openedAt: string | null
        readonly lastTriggerAt: string | null
        readonly dueAt: string | null
        readonly flushed: boolean
        readonly quietMs: number
        readonly maxWaitMs: number
        readonly triggerCount: number
        readonly triggers: readonly {
          readonly asset: string
          readonly version: string
          readonly ordinal: number
          readonly digest: string
          readonly sizeBytes: number
          readonly kind: string
          readonly recordedAt: string
          readonly seq: number
        }[]
        readonly waitingFor: {
          readonly what: string
          readonly detail: string
          readonly pipelineVersion?: string | undefined
          readonly at?: string | undefined
        } | null
      }
    }
  }
  /** Start no runs until it is resumed; what runs goes on */
  'POST /api/v1/pipelines/{id}/pause': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Start runs again, those first that waited */
  'POST /api/v1/pipelines/{id}/resume': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Leave a step out of the runs that are asked for from now on */
  'POST /api/v1/pipelines/{id}/steps/{step}/disable': {
    readonly path: {
      readonly id: string
      readonly step: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Have a step done again, also one that the definition leaves out */
  'POST /api/v1/pipelines/{id}/steps/{step}/enable': {
    readonly path: {
      readonly id: string
      readonly step: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Ask for a run; with ?wait= the answer is the finished run */
  'POST /api/v1/pipelines/{id}/runs': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly wait?: number | undefined
    }
    readonly body: {
      readonly reason?: string | undefined
      readonly inputs?: Readonly<Record<string, string>> | undefined
    }
    readonly answer:
      | {
          readonly id: string
          readonly pipelineId: string
          readonly pipelineVersion: string | null
          readonly status:
            | 'pending'
            | 'running'
            | 'waiting_external'
            | 'retrying'
            | 'completed'
            | 'failed'
            | 'dead_lettered'
            | 'cancelled'
            | 'superseded'
            | 'waiting_for_worker'
          readonly since: string
          readonly reason: string
          readonly why: string
          readonly actor: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly waitingFor: {
            readonly what: string
            readonly detail: string
            readonly pipelineVersion?: string | undefined
            readonly at?: string | undefined
          } | null
          readonly epoch: number
          readonly attempt: number
          readonly worker: string | null
          readonly requestedAt: string
          readonly startedAt: string | null
          readonly endedAt: string | null
          readonly durationMs: number | null
          readonly windowOpenedAt: string | null
          readonly nextAttemptAt: string | null
          readonly triggerCount: number
          readonly pinned: boolean
          readonly canary: {
            readonly id: string
            readonly of: string
          } | null
          readonly supersededBy: string | null
          readonly redrives: number
          readonly error: {
            readonly type: string
            readonly message: string
          } | null
          readonly seq: number
          readonly attemptsMax: number | null
          readonly inputs: Readonly<
            Record<
              string,
              {
                readonly asset: string
                readonly version: string
                readonly ordinal: number
                readonly digest: string
                readonly sizeBytes: number
                readonly kind: string
              }
            >
          >
          readonly ownInputs: Readonly<
            Record<
              string,
              {
                readonly asset: string
                readonly version: string
                readonly ordinal: number
                readonly digest: string
                readonly sizeBytes: number
                readonly kind: string
              }
            >
          >
          readonly triggeredBy: readonly {
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly digest: string
            readonly sizeBytes: number
            readonly kind: string
          }[]
          readonly carriedOver: readonly {
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly digest: string
            readonly sizeBytes: number
            readonly kind: string
          }[]
          readonly disabledSteps: readonly string[]
          readonly cancelRequestedBy: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly cancelledBy: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly redrivenBy: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly steps: readonly {
            readonly id: string
            readonly index: number
            readonly epoch: number
            readonly attempt: number
            readonly status: string
            readonly reason: string | null
            readonly reusedFrom: {
              readonly epoch: number
              readonly attempt: number
              readonly sizeBytes: number
            } | null
            readonly startedAt: string | null
            readonly endedAt: string | null
            readonly durationMs: number | null
            readonly rowsIn: number | null
            readonly rowsOut: number | null
            readonly findings: readonly {
              readonly code: string
              readonly severity: string
              readonly message: string
              readonly subject?: Readonly<Record<string, string>> | undefined
              readonly count: number
            }[]
            readonly logs: readonly string[]
            readonly error: {
              readonly type: string
              readonly message: string
            } | null
          }[]
          readonly earlierAttempts: readonly {
            readonly epoch: number
            readonly attempt: number
            readonly steps: readonly {
              readonly id: string
              readonly index: number
              readonly epoch: number
              readonly attempt: number
              readonly status: string
              readonly reason: string | null
              readonly reusedFrom: {
                readonly epoch: number
                readonly attempt: number
                readonly sizeBytes: number
              } | null
              readonly startedAt: string | null
              readonly endedAt: string | null
              readonly durationMs: number | null
              readonly rowsIn: number | null
              readonly rowsOut: number | null
              readonly findings: readonly {
                readonly code: string
                readonly severity: string
                readonly message: string
                readonly subject?: Readonly<Record<string, string>> | undefined
                readonly count: number
              }[]
              readonly logs: readonly string[]
              readonly error: {
                readonly type: string
                readonly message: string
              } | null
            }[]
          }[]
          readonly errors: readonly {
            readonly epoch: number
            readonly attempt: number
            readonly outcome: string
            readonly type: string
            readonly message: string
            readonly fingerprint: string
            readonly nextAttemptAt: string | null
            readonly recordedAt: string
            readonly seq: number
          }[]
          readonly questions: readonly {
            readonly id: string
            readonly step: string
            readonly status: string
            readonly assignee: string | null
            readonly group: string | null
            readonly deadlineAt: string
            readonly href: string
          }[]
          readonly redriveHistory: readonly {
            readonly id: string
            readonly epoch: number | null
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            }
            readonly redrivenAt: string | null
          }[]
          readonly artifacts: readonly {
            readonly output: string
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly changed: boolean
            readonly sizeBytes: number
            readonly epoch: number
            readonly attempt: number
            readonly renditions: readonly {
              readonly name: string
              readonly mediaType: string
              readonly digest: string
              readonly sizeBytes: number
              readonly href: string
            }[]
          }[]
        }
      | {
          readonly id: string
          readonly pipelineId: string
          readonly status: string
          readonly duplicate: boolean
          readonly seq: number
        }
      | {
          readonly id: string
          readonly pipelineId: string
          readonly pipelineVersion: string | null
          readonly status:
            | 'pending'
            | 'running'
            | 'waiting_external'
            | 'retrying'
            | 'completed'
            | 'failed'
            | 'dead_lettered'
            | 'cancelled'
            | 'superseded'
            | 'waiting_for_worker'
          readonly since: string
          readonly reason: string
          readonly why: string
          readonly actor: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly waitingFor: {
            readonly what: string
            readonly detail: string
            readonly pipelineVersion?: string | undefined
            readonly at?: string | undefined
          } | null
          readonly epoch: number
          readonly attempt: number
          readonly worker: string | null
          readonly requestedAt: string
          readonly startedAt: string | null
          readonly endedAt: string | null
          readonly durationMs: number | null
          readonly windowOpenedAt: string | null
          readonly nextAttemptAt: string | null
          readonly triggerCount: number
          readonly pinned: boolean
          readonly canary: {
            readonly id: string
            readonly of: string
          } | null
          readonly supersededBy: string | null
          readonly redrives: number
          readonly error: {
            readonly type: string
            readonly message: string
          } | null
          readonly seq: number
          readonly attemptsMax: number | null
          readonly inputs: Readonly<
            Record<
              string,
              {
                readonly asset: string
                readonly version: string
                readonly ordinal: number
                readonly digest: string
                readonly sizeBytes: number
                readonly kind: string
              }
            >
          >
          readonly ownInputs: Readonly<
            Record<
              string,
              {
                readonly asset: string
                readonly version: string
                readonly ordinal: number
                readonly digest: string
                readonly sizeBytes: number
                readonly kind: string
              }
            >
          >
          readonly triggeredBy: readonly {
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly digest: string
            readonly sizeBytes: number
            readonly kind: string
          }[]
          readonly carriedOver: readonly {
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly digest: string
            readonly sizeBytes: number
            readonly kind: string
          }[]
          readonly disabledSteps: readonly string[]
          readonly cancelRequestedBy: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly cancelledBy: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly redrivenBy: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly steps: readonly {
            readonly id: string
            readonly index: number
            readonly epoch: number
            readonly attempt: number
            readonly status: string
            readonly reason: string | null
            readonly reusedFrom: {
              readonly epoch: number
              readonly attempt: number
              readonly sizeBytes: number
            } | null
            readonly startedAt: string | null
            readonly endedAt: string | null
            readonly durationMs: number | null
            readonly rowsIn: number | null
            readonly rowsOut: number | null
            readonly findings: readonly {
              readonly code: string
              readonly severity: string
              readonly message: string
              readonly subject?: Readonly<Record<string, string>> | undefined
              readonly count: number
            }[]
            readonly logs: readonly string[]
            readonly error: {
              readonly type: string
              readonly message: string
            } | null
          }[]
          readonly earlierAttempts: readonly {
            readonly epoch: number
            readonly attempt: number
            readonly steps: readonly {
              readonly id: string
              readonly index: number
              readonly epoch: number
              readonly attempt: number
              readonly status: string
              readonly reason: string | null
              readonly reusedFrom: {
                readonly epoch: number
                readonly attempt: number
                readonly sizeBytes: number
              } | null
              readonly startedAt: string | null
              readonly endedAt: string | null
              readonly durationMs: number | null
              readonly rowsIn: number | null
              readonly rowsOut: number | null
              readonly findings: readonly {
                readonly code: string
                readonly severity: string
                readonly message: string
                readonly subject?: Readonly<Record<string, string>> | undefined
                readonly count: number
              }[]
              readonly logs: readonly string[]
              readonly error: {
                readonly type: string
                readonly message: string
              } | null
            }[]
          }[]
          readonly errors: readonly {
            readonly epoch: number
            readonly attempt: number
            readonly outcome: string
            readonly type: string
            readonly message: string
            readonly fingerprint: string
            readonly nextAttemptAt: string | null
            readonly recordedAt: string
            readonly seq: number
          }[]
          readonly questions: readonly {
            readonly id: string
            readonly step: string
            readonly status: string
            readonly assignee: string | null
            readonly group: string | null
            readonly deadlineAt: string
            readonly href: string
          }[]
          readonly redriveHistory: readonly {
            readonly id: string
            readonly epoch: number | null
            readonly actor: {
              readonly name: string
              readonly reason?: string | undefined
            }
            readonly redrivenAt: string | null
          }[]
          readonly artifacts: readonly {
            readonly output: string
            readonly asset: string
            readonly version: string
            readonly ordinal: number
            readonly changed: boolean
            readonly sizeBytes: number
            readonly epoch: number
            readonly attempt: number
            readonly renditions: readonly {
              readonly name: string
              readonly mediaType: string
              readonly digest: string
              readonly sizeBytes: number
              readonly href: string
            }[]
          }[]
        }
  }
  /** All open windows by pipeline */
  'GET /api/v1/windows': {
    readonly path: Nothing
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly pipelineId: string
      readonly state: 'idle' | 'open' | 'blocked'
      readonly openedAt: string | null
      readonly lastTriggerAt: string | null
      readonly dueAt: string | null
      readonly flushed: boolean
      readonly quietMs: number
      readonly maxWaitMs: number
      readonly triggerCount: number
      readonly triggers: readonly {
        readonly asset: string
        readonly version: string
        readonly ordinal: number
        readonly digest: string
        readonly sizeBytes: number
        readonly kind: string
        readonly recordedAt: string
        readonly seq: number
      }[]
      readonly waitingFor: {
        readonly what: string
        readonly detail: string
        readonly pipelineVersion?: string | undefined
        readonly at?: string | undefined
      } | null
    }[]
  }
  /** The pipeline’s window */
  'GET /api/v1/pipelines/{id}/window': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly pipelineId: string
      readonly state: 'idle' | 'open' | 'blocked'
      readonly openedAt: string | null
      readonly lastTriggerAt: string | null
      readonly dueAt: string | null
      readonly flushed: boolean
      readonly quietMs: number
      readonly maxWaitMs: number
      readonly triggerCount: number
      readonly triggers: readonly {
        readonly asset: string
        readonly version: string
        readonly ordinal: number
        readonly digest: string
        readonly sizeBytes: number
        readonly kind: string
        readonly recordedAt: string
        readonly seq: number
      }[]
      readonly waitingFor: {
        readonly what: string
        readonly detail: string
        readonly pipelineVersion?: string | undefined
        readonly at?: string | undefined
      } | null
    }
  }
  /** Forget what waits */
  'DELETE /api/v1/pipelines/{id}/window': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Run what waits now */
  'POST /api/v1/pipelines/{id}/window/flush': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** The steps of the active or of a named release as React Flow JSON */
  'GET /api/v1/pipelines/{id}/dag': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly version?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly pipelineId: string
      readonly pipelineVersion: string
      readonly nodes: readonly {
        readonly id: string
        readonly type: string
        readonly builtin: boolean
        readonly position: {
          readonly x: number
          readonly y: number
        }
        readonly data: {
          readonly label: string
          readonly kind?: string | undefined
          readonly asset?: string | null | undefined
          readonly optional?: boolean | undefined
          readonly step?: string | undefined
          readonly description?: string | null | undefined
          readonly disabled?: boolean | undefined
        }
      }[]
      readonly edges: readonly {
        readonly id: string
        readonly source: string
        readonly target: string
      }[]
    }
  }
  /** Releases, newest first */
  'GET /api/v1/releases': {
    readonly path: Nothing
    readonly query: {
      readonly pipeline?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly pipelineId: string
      readonly version: string
      readonly active: boolean
      readonly state: 'inactive' | 'active' | 'draining' | 'drained' | 'retired'
      readonly openRunCount: number
      readonly workers: number
      readonly feedType: string
      readonly folder: string
      readonly inputs: Readonly<
        Record<
          string,
          {
            readonly kind: string
            readonly optional: boolean
          }
        >
      >
      readonly outputs: Readonly<
        Record<
          string,
          {
            readonly kind: string
            readonly step: string
          }
        >
      >
      readonly steps: readonly {
        readonly id: string
        readonly type: string
        readonly builtin: boolean
        readonly description?: string | undefined
      }[]
      readonly edges: readonly (readonly string[])[]
      readonly artifacts:
        | readonly {
            readonly path: string
            readonly digest: string
            readonly sizeBytes: number
          }[]
        | null
      readonly contract: string | null
      readonly registeredAt: string
      readonly activatedAt: string | null
      readonly activatedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly retiredAt: string | null
      readonly retiredBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly seq: number
    }[]
  }
  /** One release: its graph, what still runs on it, when it was active */
  'GET /api/v1/releases/{pipeline}/{version}': {
    readonly path: {
      readonly pipeline: string
      readonly version: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly pipelineId: string
      readonly version: string
      readonly active: boolean
      readonly state: 'inactive' | 'active' | 'draining' | 'drained' | 'retired'
      readonly openRunCount: number
      readonly workers: number
      readonly feedType: string
      readonly folder: string
      readonly inputs: Readonly<
        Record<
          string,
          {
            readonly kind: string
            readonly optional: boolean
          }
        >
      >
      readonly outputs: Readonly<
        Record<
          string,
          {
            readonly kind: string
            readonly step: string
          }
        >
      >
      readonly steps: readonly {
        readonly id: string
        readonly type: string
        readonly builtin: boolean
        readonly description?: string | undefined
      }[]
      readonly edges: readonly (readonly string[])[]
      readonly artifacts:
        | readonly {
            readonly path: string
            readonly digest: string
            readonly sizeBytes: number
          }[]
        | null
      readonly contract: string | null
      readonly registeredAt: string
      readonly activatedAt: string | null
      readonly activatedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly retiredAt: string | null
      readonly retiredBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly seq: number
      readonly openRuns: readonly {
        readonly id: string
        readonly pipelineId: string
        readonly pipelineVersion: string | null
        readonly status:
          | 'pending'
          | 'running'
          | 'waiting_external'
          | 'retrying'
          | 'completed'
          | 'failed'
          | 'dead_lettered'
          | 'cancelled'
          | 'superseded'
          | 'waiting_for_worker'
        readonly since: string
        readonly reason: string
        readonly why: string
        readonly actor: {
          readonly name: string
          readonly reason?: string | undefined
        } | null
        readonly waitingFor: {
          readonly what: string
          readonly detail: string
          readonly pipelineVersion?: string | undefined
          readonly at?: string | undefined
        } | null
        readonly epoch: number
        readonly attempt: number
        readonly worker: string | null
        readonly requestedAt: string
        readonly startedAt: string | null
        readonly endedAt: string | null
        readonly durationMs: number | null
        readonly windowOpenedAt: string | null
        readonly nextAttemptAt: string | null
        readonly triggerCount: number
        readonly pinned: boolean
        readonly canary: {
          readonly id: string
          readonly of: string
        } | null
        readonly supersededBy: string | null
        readonly redrives: number
        readonly error: {
          readonly type: string
          readonly message: string
        } | null
        readonly seq: number
      }[]
      readonly activations: readonly {
        readonly version: string
        readonly at: string
        readonly actor: {
          readonly name: string
          readonly reason?: string | undefined
        }
        readonly seq: number
      }[]
    }
  }
  /** Which version was made active when, by whom and why, newest first */
  'GET /api/v1/pipelines/{id}/activations': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly version: string
      readonly at: string
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      }
      readonly seq: number
    }[]
  }
  /** Make new runs use this version */
  'POST /api/v1/releases/{pipeline}/{version}/activate': {
    readonly path: {
      readonly pipeline: string
      readonly version: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
      readonly pipelineId: string
      readonly version: string
    }
  }
  /** Let nothing be pinned to this version any more */
  'POST /api/v1/releases/{pipeline}/{version}/retire': {
    readonly path: {
      readonly pipeline: string
      readonly version: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
      readonly pipelineId: string
      readonly version: string
    }
  }
  /** Make the version active that was so before */
  'POST /api/v1/pipelines/{id}/rollback': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
      readonly pipelineId: string
      readonly version: string
    }
  }
  /** Try a version on the runs of the active one, without publishing */
  'POST /api/v1/pipelines/{id}/canaries': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly version: string
      readonly runs: number
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Canaries of a pipeline, newest first */
  'GET /api/v1/pipelines/{id}/canaries': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly pipelineId: string
      readonly version: string
      readonly status: 'running' | 'done' | 'stopped'
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      }
      readonly stoppedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly runs: number
      readonly requested: number
      readonly completed: number
      readonly failed: number
      readonly startedAt: string
      readonly endedAt: string | null
      readonly seq: number
    }[]
  }
  /** One canary: what its runs made beside what had been published */
  'GET /api/v1/canaries/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly pipelineId: string
      readonly version: string
      readonly status: 'running' | 'done' | 'stopped'
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      }
      readonly stoppedBy: {
        readonly name: string
        readonly reason?: string | undefined
      } | null
      readonly runs: number
      readonly requested: number
      readonly completed: number
      readonly failed: number
      readonly startedAt: string
      readonly endedAt: string | null
      readonly seq: number
      readonly verdicts: Readonly<Record<string, number>>
      readonly comparisons: readonly {
        readonly run: {
          readonly id: string
          readonly pipelineId: string
          readonly pipelineVersion: string | null
          readonly status:
            | 'pending'
            | 'running'
            | 'waiting_external'
            | 'retrying'
            | 'completed'
            | 'failed'
            | 'dead_lettered'
            | 'cancelled'
            | 'superseded'
            | 'waiting_for_worker'
          readonly since: string
          readonly reason: string
          readonly why: string
          readonly actor: {
            readonly name: string
            readonly reason?: string | undefined
          } | null
          readonly waitingFor: {
            readonly what: string
            readonly detail: string
            readonly pipelineVersion?: string | undefined
            readonly at?: string | undefined
          } | null
          readonly epoch: number
          readonly attempt: number
          readonly worker: string | null
          readonly requestedAt: string
          readonly startedAt: string | null
          readonly endedAt: string | null
          readonly durationMs: number | null
          readonly windowOpenedAt: string | null
          readonly nextAttemptAt: string | null
          readonly triggerCount: number
          readonly pinned: boolean
          readonly canary: {
            readonly id: string
            readonly of: string
          } | null
          readonly supersededBy: string | null
          readonly redrives: number
          readonly error: {
            readonly type: string
            readonly message: string
          } | null
          readonly seq: number
        }
        readonly of: string
        readonly outputs: readonly {
          readonly output: string
          readonly verdict: 'identical' | 'same_content' | 'different'
          readonly baseline: string | null
          readonly candidate: string | null
          readonly difference: {
            readonly verdict: 'identical' | 'same_content' | 'different'
            readonly parts: readonly {
              readonly name: string
              readonly unit: 'rows' | 'entities' | 'header' | 'bytes'
              readonly change: 'added' | 'removed' | 'changed' | 'unreadable'
              readonly before: number
              readonly after: number
              readonly added: number
              readonly removed: number
              readonly changed: number
              readonly fields?: Readonly<Record<string, number>> | undefined
              readonly columns?:
                | {
                    readonly added: readonly string[]
                    readonly removed: readonly string[]
                  }
                | undefined
              readonly problem?: string | undefined
            }[]
            readonly partsOmitted?: number | undefined
            readonly samples: readonly {
              readonly part: string
              readonly key: string
              readonly change: 'added' | 'removed' | 'changed'
              readonly fields?:
                | Readonly<Record<string, readonly [string | null, string | null]>>
                | undefined
            }[]
          }
        }[]
      }[]
    }
  }
  /** End a canary */
  'DELETE /api/v1/canaries/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Poisoned messages */
  'GET /api/v1/unreadable': {
    readonly path: Nothing
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly seq: number
      readonly subject: string
      readonly problem: string
      readonly recordedAt: string
    }[]
  }
  /** Pushes that were accepted, newest first, and what became of each */
  'GET /api/v1/tasks': {
    readonly path: Nothing
    readonly query: {
      readonly source?: string | undefined
      readonly repository?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly status: 'pending' | 'running' | 'succeeded' | 'failed' | 'ignored'
      readonly source: string
      readonly delivery: string
      readonly event: string
      readonly repository: string
      readonly ref: string
      readonly commit: string | null
      readonly pullRequest: number | null
      readonly actor: string
      readonly reason: string | null
      readonly dryRun: boolean
      readonly receivedAt: string
      readonly resolvedAt: string | null
      readonly note: string | null
      readonly targets: readonly {
        readonly rule: string
        readonly environment: string
        readonly outcome: string
        readonly reason: string | null
        readonly asset: string | null
        readonly pipeline: string | null
        readonly version: string | null
        readonly run: string | null
        readonly runStatus: string | null
        readonly error: {
          readonly type: string
          readonly message: string
        } | null
        readonly sinks: readonly {
          readonly sink: string
          readonly environment: string
          readonly status: string
          readonly mode: string | null
          readonly written: number | null
          readonly deleted: number | null
          readonly unchanged: number | null
          readonly protected: number | null
          readonly protectedKeys?: readonly string[] | undefined
          readonly wouldWrite?: readonly string[] | undefined
          readonly wouldDelete?: readonly string[] | undefined
          readonly error: {
            readonly type: string
            readonly message: string
          } | null
        }[]
        readonly files?:
          | readonly {
              readonly path: string
              readonly status: string
            }[]
          | undefined
      }[]
      readonly seq: number
    }[]
  }
  /** What became of one push: every rule, environment, sink and file */
  'GET /api/v1/tasks/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly wait?: number | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly id: string
      readonly status: 'pending' | 'running' | 'succeeded' | 'failed' | 'ignored'
      readonly source: string
      readonly delivery: string
      readonly event: string
      readonly repository: string
      readonly ref: string
      readonly commit: string | null
      readonly pullRequest: number | null
      readonly actor: string
      readonly reason: string | null
      readonly dryRun: boolean
      readonly receivedAt: string
      readonly resolvedAt: string | null
      readonly note: string | null
      readonly targets: readonly {
        readonly rule: string
        readonly environment: string
        readonly outcome: string
        readonly reason: string | null
        readonly asset: string | null
        readonly pipeline: string | null
        readonly version: string | null
        readonly run: string | null
        readonly runStatus: string | null
        readonly error: {
          readonly type: string
          readonly message: string
        } | null
        readonly sinks: readonly {
          readonly sink: string
          readonly environment: string
          readonly status: string
          readonly mode: string | null
          readonly written: number | null
          readonly deleted: number | null
          readonly unchanged: number | null
          readonly protected: number | null
          readonly protectedKeys?: readonly string[] | undefined
          readonly wouldWrite?: readonly string[] | undefined
          readonly wouldDelete?: readonly string[] | undefined
          readonly error: {
            readonly type: string
            readonly message: string
          } | null
        }[]
        readonly files?:
          | readonly {
              readonly path: string
              readonly status: string
            }[]
          | undefined
      }[]
      readonly seq: number
    }
  }
  /** Where pushes come from */
  'GET /api/v1/sources': {
    readonly path: Nothing
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly platform: string
      readonly url: string
      readonly webhook: string
      readonly verified: boolean
      readonly definition: unknown
      readonly seq: number
    }[]
  }
  /** Which files of which repositories go where */
  'GET /api/v1/rules': {
    readonly path: Nothing
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly definition: unknown
      readonly seq: number
    }[]
  }
  /** Bring a repository’s configuration to its sinks now, without a push */
  'POST /api/v1/sources/{source}/sync': {
    readonly path: {
      readonly source: string
    }
    readonly query: {
      readonly wait?: number | undefined
    }
    readonly body: {
      readonly repository: string
      readonly ref?: string | undefined
      readonly commit?: string | undefined
      readonly rule?: string | undefined
      readonly environment?: string | undefined
      readonly reason?: string | undefined
      readonly dryRun?: boolean | undefined
    }
    readonly answer:
      | {
          readonly id: string
          readonly status: 'pending' | 'running' | 'succeeded' | 'failed' | 'ignored'
          readonly source: string
          readonly delivery: string
          readonly event: string
          readonly repository: string
          readonly ref: string
          readonly commit: string | null
          readonly pullRequest: number | null
          readonly actor: string
          readonly reason: string | null
          readonly dryRun: boolean
          readonly receivedAt: string
          readonly resolvedAt: string | null
          readonly note: string | null
          readonly targets: readonly {
            readonly rule: string
            readonly environment: string
            readonly outcome: string
            readonly reason: string | null
            readonly asset: string | null
            readonly pipeline: string | null
            readonly version: string | null
            readonly run: string | null
            readonly runStatus: string | null
            readonly error: {
              readonly type: string
              readonly message: string
            } | null
            readonly sinks: readonly {
              readonly sink: string
              readonly environment: string
              readonly status: string
              readonly mode: string | null
              readonly written: number | null
              readonly deleted: number | null
              readonly unchanged: number | null
              readonly protected: number | null
              readonly protectedKeys?: readonly string[] | undefined
              readonly wouldWrite?: readonly string[] | undefined
              readonly wouldDelete?: readonly string[] | undefined
              readonly error: {
                readonly type: string
                readonly message: string
              } | null
            }[]
            readonly files?:
              | readonly {
                  readonly path: string
                  readonly status: string
                }[]
              | undefined
          }[]
          readonly seq: number
        }
      | {
          readonly task: string
          readonly repeated: boolean
          readonly status: string
        }
  }
  /** Where values go */
  'GET /api/v1/sinks': {
    readonly path: Nothing
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly type: string
      readonly definition: unknown
      readonly environments: readonly {
        readonly environment: string
        readonly keys: number
        readonly drifted: number
      }[]
      readonly seq: number
    }[]
  }
  /** What a sink holds by our doing, by environment and key */
  'GET /api/v1/sinks/{sink}/values': {
    readonly path: {
      readonly sink: string
    }
    readonly query: {
      readonly environment?: string | undefined
      readonly rule?: string | undefined
      readonly key?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly environment: string
      readonly key: string
      readonly holds:
        | {
            readonly value: string
          }
        | {
            readonly secret: string
          }
        | null
      readonly rule: string
      readonly file: string
      readonly repository: string
      readonly commit: string
      readonly run: string
      readonly changedAt: string
      readonly seq: number
    }[]
  }
  /** Where sinks differ, or differed last, from what was put there */
  'GET /api/v1/drift': {
    readonly path: Nothing
    readonly query: {
      readonly open?: boolean | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly sink: string
      readonly environment: string
      readonly rule: string
      readonly repository: string
      readonly open: boolean
      readonly keys: readonly string[]
      readonly count: number
      readonly since: string
      readonly endedAt: string | null
      readonly times: number
      readonly error: {
        readonly type: string
        readonly message: string
      } | null
      readonly heals: number
      readonly heal: string | null
    }[]
  }
  /** Who changed which key when, from which commit; newest first */
  'GET /api/v1/config/log': {
    readonly path: Nothing
    readonly query: {
      readonly rule?: string | undefined
      readonly sink?: string | undefined
      readonly environment?: string | undefined
      readonly key?: string | undefined
      readonly repository?: string | undefined
      readonly run?: string | undefined
      readonly commit?: string | undefined
      readonly actor?: string | undefined
      readonly unchanged?: boolean | undefined
      readonly since?: string | undefined
      readonly until?: string | undefined
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly at: string
      readonly sink: string
      readonly environment: string
      readonly rule: string
      readonly key: string
      readonly op: string
      readonly previous:
        | {
            readonly value: string
          }
        | {
            readonly secret: string
          }
        | null
      readonly value:
        | {
            readonly value: string
          }
        | {
            readonly secret: string
          }
        | null
      readonly file: string
      readonly repository: string
      readonly commit: string
      readonly actor: string | null
      readonly reason: string | null
      readonly run: string
      readonly seq: number
    }[]
  }
  /** What differs between two moments, or between two environments */
  'GET /api/v1/config/diff': {
    readonly path: Nothing
    readonly query: {
      readonly environment: string
      readonly against?: string | undefined
      readonly from?: string | undefined
      readonly to?: string | undefined
      readonly rule?: string | undefined
      readonly sink?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly sink: string
      readonly key: string
      readonly change: 'added' | 'removed' | 'changed'
      readonly from:
        | {
            readonly value: string
          }
        | {
            readonly secret: string
          }
        | null
      readonly to:
        | {
            readonly value: string
          }
        | {
            readonly secret: string
          }
        | null
    }[]
  }
  /** Restore what sinks held after a commit or a run */
  'POST /api/v1/config/rollback': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly rule: string
      readonly environment: string
      readonly sink?: string | undefined
      readonly to: string
      readonly reason?: string | undefined
      readonly dryRun?: boolean | undefined
    }
    readonly answer:
      | {
          readonly rule: string
          readonly environment: string
          readonly repository: string
          readonly to: string
          readonly sinks: readonly string[]
          readonly dryRun: boolean
          readonly changes: readonly {
            readonly sink: string
            readonly key: string
            readonly change: 'added' | 'removed' | 'changed'
            readonly from:
              | {
                  readonly value: string
                }
              | {
                  readonly secret: string
                }
              | null
            readonly to:
              | {
                  readonly value: string
                }
              | {
                  readonly secret: string
                }
              | null
          }[]
          readonly kept: readonly {
            readonly sink: string
            readonly key: string
          }[]
        }
      | {
          readonly rule: string
          readonly environment: string
          readonly repository: string
          readonly to: string
          readonly sinks: readonly string[]
          readonly dryRun: boolean
          readonly changes: readonly {
            readonly sink: string
            readonly key: string
            readonly change: 'added' | 'removed' | 'changed'
            readonly from:
              | {
                  readonly value: string
                }
              | {
                  readonly secret: string
                }
              | null
            readonly to:
              | {
                  readonly value: string
                }
              | {
                  readonly secret: string
                }
              | null
          }[]
          readonly kept: readonly {
            readonly sink: string
            readonly key: string
          }[]
          readonly run: string
          readonly pipelineId: string
          readonly duplicate: boolean
          readonly seq: number
        }
  }
  /** Why it ran, and why it is where it is */
  'GET /api/v1/runs/{id}/why': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly answer: string
      readonly because: readonly {
        readonly text: string
        readonly since?: string | undefined
        readonly seq?: number | undefined
        readonly href?: string | undefined
      }[]
      readonly next?:
        | {
            readonly text: string
            readonly at?: string | undefined
          }
        | undefined
    }
  }
  /** Why it runs or does not */
  'GET /api/v1/pipelines/{id}/why': {
    readonly path: {
      readonly id: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly answer: string
      readonly because: readonly {
        readonly text: string
        readonly since?: string | undefined
        readonly seq?: number | undefined
        readonly href?: string | undefined
      }[]
      readonly next?:
        | {
            readonly text: string
            readonly at?: string | undefined
          }
        | undefined
    }
  }
  /** Why it is stale or well, and what it led to */
  'GET /api/v1/assets/{key}/why': {
    readonly path: {
      readonly key: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: {
      readonly answer: string
      readonly because: readonly {
        readonly text: string
        readonly since?: string | undefined
        readonly seq?: number | undefined
        readonly href?: string | undefined
      }[]
      readonly next?:
        | {
            readonly text: string
            readonly at?: string | undefined
          }
        | undefined
    }
  }
  /** Commits of the log, decoded, newest first */
  'GET /api/v1/log': {
    readonly path: Nothing
    readonly query: {
      readonly before?: number | undefined
      readonly after?: number | undefined
      readonly kind?:
        | 'asset'
        | 'pipeline'
        | 'run'
        | 'interaction'
        | 'release'
        | 'worker'
        | 'source'
        | 'rule'
        | 'sink'
        | 'token'
        | 'projection'
        | undefined
      readonly type?: string | undefined
      readonly q?: string | undefined
      readonly limit?: number | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly seq: number
      readonly at: string
      readonly kind: string
      readonly name: string
      readonly id: string
      readonly events: readonly ({
        readonly type: string
      } & Readonly<Record<string, unknown>>)[]
      readonly problem?: string | undefined
    }[]
  }
  /** One commit by its sequence */
  'GET /api/v1/log/{seq}': {
    readonly path: {
      readonly seq: string
    }
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly seq: number
      readonly at: string
      readonly kind: string
      readonly name: string
      readonly id: string
      readonly events: readonly ({
        readonly type: string
      } & Readonly<Record<string, unknown>>)[]
      readonly problem?: string | undefined
    }
  }
  /** What led to a commit, nearest first, back to a fetch, a push or a wish */
  'GET /api/v1/log/{seq}/causes': {
    readonly path: {
      readonly seq: string
    }
    readonly query: {
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly seq: number
      readonly at: string
      readonly kind: string
      readonly name: string
      readonly types: readonly string[]
      readonly by: 'version' | 'run' | 'push' | 'wish'
      readonly id: string
    }[]
  }
  /** Commits as they happen, as server-sent events; the id is the sequence */
  'GET /api/v1/stream': {
    readonly path: Nothing
    readonly query: {
      readonly since?: number | undefined
      readonly brief?: boolean | undefined
    }
    readonly body: undefined
    readonly answer: Blob
  }
  /** Streams and consumers, and what about them is not as the code says */
  'GET /api/v1/streams': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly server: {
        readonly version: string
        readonly roundTripMs: number
        readonly skewMs: number
        readonly store: {
          readonly bytes: number
          readonly bytesMax: number | null
        }
      }
      readonly status: 'ok' | 'degraded'
      readonly streams: readonly {
        readonly name: string
        readonly description: string
        readonly messages: number
        readonly bytes: number
        readonly subjects: number
        readonly firstSeq: number
        readonly lastSeq: number
        readonly firstAt: string | null
        readonly lastAt: string | null
        readonly storage: string
        readonly replicas: number
        readonly limits: {
          readonly bytes: number | null
          readonly messages: number | null
          readonly ageMs: number | null
          readonly messageBytes: number | null
        }
        readonly drift:
          | readonly {
              readonly option: string
              readonly wanted: unknown
              readonly actual: unknown
            }[]
          | null
        readonly consumers: readonly {
          readonly name: string
          readonly durable: boolean
          readonly filters: readonly string[]
          readonly pending: number
          readonly ackPending: number
          readonly ackPendingMax: number | null
          readonly redelivered: number
          readonly asking: number
          readonly deliveredSeq: number
          readonly settledSeq: number
          readonly activeAt: string | null
          readonly drift: readonly {
            readonly option: string
            readonly wanted: unknown
            readonly actual: unknown
          }[]
        }[]
      }[]
    }
  }
  /** The read models: position, lag, rate and size, and the copy that is built anew */
  'GET /api/v1/projections': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly seq: number
      readonly lag: number
      readonly headSeq: number
      readonly lagMs: number
      readonly eventsPerSecond: number
      readonly build: number
      readonly groups: readonly {
        readonly name: string
        readonly seq: number
        readonly lag: number
        readonly lagMs: number
        readonly rows: number
        readonly bytes: number
        readonly rowsPerSecond: number
        readonly tables: readonly {
          readonly name: string
          readonly rows: number
          readonly estimated: boolean
          readonly bytes: number
        }[]
      }[]
      readonly copy: {
        readonly seq: number
        readonly lag: number
        readonly bytes: number
        readonly usable: boolean
      } | null
      readonly work: {
        readonly action: 'rebuild' | 'compare' | 'swap' | 'drop'
        readonly by: {
          readonly name: string
          readonly reason?: string | undefined
        }
        readonly status: 'running' | 'done' | 'failed'
        readonly startedAt: string
        readonly toldAt: string
        readonly phase: string
        readonly done: number
        readonly total: number
        readonly eventsPerSecond: number
        readonly etaMs: number | null
        readonly problem?: string | undefined
        readonly comparison?:
          | {
              readonly equal: boolean
              readonly seq: number
              readonly tables: number
              readonly rows: number
              readonly differing: Readonly<Record<string, number | null>>
              readonly differences: readonly {
                readonly table: string
                readonly key: string
                readonly in: 'both' | 'live' | 'copy'
                readonly columns: readonly {
                  readonly name: string
                  readonly live: string
                  readonly copy: string
                }[]
              }[]
            }
          | undefined
      } | null
    }
  }
  /** Build a copy of the tables from the first event of the log, beside the live ones */
  'POST /api/v1/projections/rebuild': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Bring the copy to where the live tables are and compare them, row for row */
  'POST /api/v1/projections/compare': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Put the copy in the place of the live tables */
  'POST /api/v1/projections/swap': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Throw the copy away */
  'POST /api/v1/projections/drop': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Who asked for what and why, newest first */
  'GET /api/v1/audit': {
    readonly path: Nothing
    readonly query: {
      readonly limit?: number | undefined
      readonly cursor?: string | undefined
      readonly actor?: string | undefined
      readonly type?: readonly string[] | undefined
      readonly kind?: string | undefined
      readonly about?: string | undefined
      readonly since?: string | undefined
      readonly until?: string | undefined
      readonly asOf?: string | undefined
    }
    readonly body: undefined
    readonly answer: readonly {
      readonly seq: number
      readonly index: number
      readonly at: string
      readonly type: string
      readonly actor: {
        readonly name: string
        readonly reason?: string | undefined
      }
      readonly about: {
        readonly kind: string
        readonly name: string
      }
      readonly fields: Readonly<Record<string, unknown>>
    }[]
  }
  /** API tokens, newest first, also those that are over */
  'GET /api/v1/tokens': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: readonly {
      readonly id: string
      readonly role: 'viewer' | 'operator' | 'releaser' | 'admin'
      readonly holder: string
      readonly status: 'good' | 'expired' | 'revoked'
      readonly createdAt: string
      readonly createdBy: string
      readonly expiresAt: string
      readonly revokedAt: string | null
    }[]
  }
  /** Make a token; its secret is shown once */
  'POST /api/v1/tokens': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: {
      readonly holder: string
      readonly role: 'viewer' | 'operator' | 'releaser' | 'admin'
      readonly days?: number | undefined
      readonly reason?: string | undefined
    }
    readonly answer: {
      readonly id: string
      readonly token: string
      readonly expiresAt: string
      readonly seq: number
    }
  }
  /** End a token, and the sessions that were made of it */
  'DELETE /api/v1/tokens/{id}': {
    readonly path: {
      readonly id: string
    }
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly id?: string | undefined
      readonly seq?: number | undefined
      readonly status: string
    }
  }
  /** Who asks, and what they may do */
  'GET /api/v1/session': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly name: string
      readonly role: 'viewer' | 'operator' | 'releaser' | 'admin'
      readonly tenant: string
      readonly required: boolean
      readonly until: string | null
    }
  }
  /** A cookie for the token that is sent */
  'POST /api/v1/session': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly name: string
      readonly role: 'viewer' | 'operator' | 'releaser' | 'admin'
      readonly tenant: string
      readonly required: boolean
      readonly until: string | null
    }
  }
  /** Forget the cookie */
  'DELETE /api/v1/session': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: null
  }
  /** The process lives */
  'GET /health': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly status: 'ok'
      readonly version: string
      readonly uptimeMs: number
    }
  }
  /** NATS, Postgres, the projector and the workers */
  'GET /health/deep': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: {
      readonly status: 'ok' | 'degraded' | 'down'
      readonly checks: {
        readonly nats: {
          readonly status: 'ok' | 'behind' | 'down'
          readonly detail?: string | undefined
          readonly roundTripMs?: number | undefined
        }
        readonly postgres: {
          readonly status: 'ok' | 'behind' | 'down'
          readonly detail?: string | undefined
          readonly roundTripMs?: number | undefined
        }
        readonly projector: {
          readonly status: 'ok' | 'behind' | 'down'
          readonly detail?: string | undefined
          readonly roundTripMs?: number | undefined
          readonly headSeq?: number | undefined
          readonly projectedSeq?: number | undefined
          readonly lag?: number | undefined
        }
        readonly workers: {
          readonly status: 'ok' | 'behind' | 'down'
          readonly detail?: string | undefined
          readonly roundTripMs?: number | undefined
          readonly connected?: number | undefined
        }
      }
    }
  }
  /** Figures for Prometheus */
  'GET /metrics': {
    readonly path: Nothing
    readonly query: Nothing
    readonly body: undefined
    readonly answer: Blob
  }
  /** Deliveries of GitHub, GitLab, Gitea and Bitbucket */
  'POST /api/v1/webhooks/{source}': {
    readonly path: {
      readonly source: string
    }
    readonly query: {
      readonly wait?: number | undefined
    }
    readonly body: undefined
    readonly answer:
      | {
          readonly status: 'ignored'
          readonly reason: string
          readonly verified: boolean
        }
      | {
          readonly id: string
          readonly status: 'pending' | 'running' | 'succeeded' | 'failed' | 'ignored'
          readonly source: string
          readonly delivery: string
          readonly event: string
          readonly repository: string
          readonly ref: string
          readonly commit: string | null
          readonly pullRequest: number | null
          readonly actor: string
          readonly reason: string | null
          readonly dryRun: boolean
          readonly receivedAt: string
          readonly resolvedAt: string | null
          readonly note: string | null
          readonly targets: readonly {
            readonly rule: string
            readonly environment: string
            readonly outcome: string
            readonly reason: string | null
            readonly asset: string | null
            readonly pipeline: string | null
            readonly version: string | null
            readonly run: string | null
            readonly runStatus: string | null
            readonly error: {
              readonly type: string
              readonly message: string
            } | null
            readonly sinks: readonly {
              readonly sink: string
              readonly environment: string
              readonly status: string
              readonly mode: string | null
              readonly written: number | null
              readonly deleted: number | null
              readonly unchanged: number | null
              readonly protected: number | null
              readonly protectedKeys?: readonly string[] | undefined
              readonly wouldWrite?: readonly string[] | undefined
              readonly wouldDelete?: readonly string[] | undefined
              readonly error: {
                readonly type: string
                readonly message: string
              } | null
            }[]
            readonly files?:
              | readonly {
                  readonly path: string
                  readonly status: string
                }[]
              | undefined
          }[]
          readonly seq: number
        }
      | {
          readonly task: string
          readonly tasks: readonly string[]
          readonly repeated: boolean
          readonly verified: boolean
          readonly status: string
        }
  }
  /** What a delivery would do, without writing anything */
  'POST /api/v1/webhooks/{source}/dry-run': {
    readonly path: {
      readonly source: string
    }
    readonly query: {
      readonly wait?: number | undefined
    }
    readonly body: undefined
    readonly answer:
      | {
          readonly status: 'ignored'
          readonly reason: string
          readonly verified: boolean
        }
      | {
          readonly id: string
          readonly status: 'pending' | 'running' | 'succeeded' | 'failed' | 'ignored'
          readonly source: string
          readonly delivery: string
          readonly event: string
          readonly repository: string
          readonly ref: string
          readonly commit: string | null
          readonly pullRequest: number | null
          readonly actor: string
          readonly reason: string | null
          readonly dryRun: boolean
          readonly receivedAt: string
          readonly resolvedAt: string | null
          readonly note: string | null
          readonly targets: readonly {
            readonly rule: string
            readonly environment: string
            readonly outcome: string
            readonly reason: string | null
            readonly asset: string | null
            readonly pipeline: string | null
            readonly version: string | null
            readonly run: string | null
            readonly runStatus: string | null
            readonly error: {
              readonly type: string
              readonly message: string
            } | null
            readonly sinks: readonly {
              readonly sink: string
              readonly environment: string
              readonly status: string
              readonly mode: string | null
              readonly written: number | null
              readonly deleted: number | null
              readonly unchanged: number | null
              readonly protected: number | null
              readonly protectedKeys?: readonly string[] | undefined
              readonly wouldWrite?: readonly string[] | undefined
              readonly wouldDelete?: readonly string[] | undefined
              readonly error: {
                readonly type: string
                readonly message: string
              } | null
            }[]
            readonly files?:
              | readonly {
                  readonly path: string
                  readonly status: string
                }[]
              | undefined
          }[]
          readonly seq: number
        }
      | {
          readonly task: string
          readonly tasks: readonly string[]
          readonly repeated: boolean
          readonly verified: boolean
          readonly status: string
        }
  }
}
