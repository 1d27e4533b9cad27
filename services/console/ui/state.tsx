/** States as a word, a sign and a colour: each tells alone. */
type Look = { readonly tone: string; readonly sign: string; readonly word: string }

const looks: Readonly<Record<string, Look>> = {
  pending: { tone: 'wait', sign: '◷', word: 'queued' },
  waiting_for_worker: { tone: 'warn', sign: '⚠', word: 'no worker' },
  running: { tone: 'busy', sign: '◐', word: 'running' },
  retrying: { tone: 'warn', sign: '↻', word: 'retrying' },
  waiting_external: { tone: 'ask', sign: '?', word: 'asks' },
  waiting: { tone: 'ask', sign: '?', word: 'waiting' },
  completed: { tone: 'good', sign: '✓', word: 'completed' },
  succeeded: { tone: 'good', sign: '✓', word: 'succeeded' },
  confirmed: { tone: 'good', sign: '✓', word: 'confirmed' },
  failed: { tone: 'bad', sign: '✕', word: 'failed' },
  dead_lettered: { tone: 'bad', sign: '☓', word: 'dead letter' },
  cancelled: { tone: 'off', sign: '⊘', word: 'cancelled' },
  superseded: { tone: 'off', sign: '⇥', word: 'superseded' },
  skipped: { tone: 'off', sign: '–', word: 'skipped' },
  expired: { tone: 'bad', sign: '⌛', word: 'expired' },
  healthy: { tone: 'good', sign: '✓', word: 'healthy' },
  draining: { tone: 'warn', sign: '◑', word: 'draining' },
  drained: { tone: 'off', sign: '○', word: 'drained' },
  lost: { tone: 'bad', sign: '✕', word: 'lost' },
  unavailable: { tone: 'off', sign: '○', word: 'unavailable' },
  gone: { tone: 'off', sign: '○', word: 'gone' },
  active: { tone: 'good', sign: '●', word: 'active' },
  inactive: { tone: 'off', sign: '○', word: 'inactive' },
  retired: { tone: 'off', sign: '⊘', word: 'retired' },
  paused: { tone: 'warn', sign: '❚❚', word: 'paused' },
  ok: { tone: 'good', sign: '✓', word: 'ok' },
  behind: { tone: 'warn', sign: '⚠', word: 'behind' },
  degraded: { tone: 'warn', sign: '⚠', word: 'degraded' },
  down: { tone: 'bad', sign: '✕', word: 'down' },
  done: { tone: 'good', sign: '✓', word: 'done' },
  stopped: { tone: 'bad', sign: '■', word: 'stopped' },
  open: { tone: 'busy', sign: '◔', word: 'window open' },
  idle: { tone: 'off', sign: '○', word: 'idle' },
  blocked: { tone: 'warn', sign: '⚠', word: 'held back' },
  fresh: { tone: 'good', sign: '✓', word: 'fresh' },
  stale: { tone: 'bad', sign: '⌛', word: 'stale' },
  trouble: { tone: 'warn', sign: '⚠', word: 'source in trouble' },
  empty: { tone: 'off', sign: '○', word: 'nothing yet' },
}

export const lookOf = (state: string): Look =>
  looks[state] ?? { tone: 'off', sign: '○', word: state.replaceAll('_', ' ') }

export const State = ({ of, word }: { readonly of: string; readonly word?: string }) => {
  const look = lookOf(of)
  return (
    <span className={`state ${look.tone}`}>
      <span aria-hidden="true" className="sign">
        {look.sign}
      </span>
      {word ?? look.word}
    </span>
  )
}

export const isBad = (status: string): boolean => status === 'failed' || status === 'dead_lettered'
export const isOpen = (status: string): boolean =>
  ['pending', 'waiting_for_worker', 'running', 'retrying', 'waiting_external'].includes(status)
