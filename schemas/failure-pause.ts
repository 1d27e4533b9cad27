/**
 * A pipeline whose run failed is run again on the same inputs and code without anybody asking, after
 * pauses that grow, until it has failed too often: then only a change or a person starts another.
 */
export const failuresMax = 5
const failurePauseMs = 10_000
const failurePauseMsMax = 600_000

/** How long the pipeline pauses after this many failed runs in a row. */
export const failurePause = (failures: number): number =>
  Math.min(failurePauseMs * 2 ** (failures - 1), failurePauseMsMax)
