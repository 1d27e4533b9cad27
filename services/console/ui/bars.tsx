/**
 * The last runs as bars, oldest first: how long each took, and which ended badly. A picture with a
 * sentence for whoever does not see it; a click on a bar opens the run that the table lists as well.
 */
import type { RunSummary } from '../api/types.ts'
import { navigate, paths } from '../router.tsx'
import { isBad, lookOf } from './state.tsx'
import { durationOf } from './time.tsx'

const shown = 20
export const Bars = ({ runs }: { readonly runs: readonly RunSummary[] }) => {
  const last = runs.slice(0, shown).toReversed()
  const longest = Math.max(1, ...last.map(({ durationMs }) => durationMs ?? 0))
  const bad = last.filter(({ status }) => isBad(status)).length
  return (
    <span className="bars" role="img" aria-label={`last ${last.length} runs, ${bad} ended badly`}>
      {last.map((run) => {
        const { tone, word } = lookOf(run.status)
        const took = run.durationMs === null ? '' : `, ${durationOf(run.durationMs)}`
        return (
          <i
            key={run.id}
            className={tone}
            title={`${word}${took}`}
            onClick={(event) => {
              event.stopPropagation()
              navigate(paths.run(run.id))
            }}
            ref={(bar) => {
              const share = Math.sqrt((run.durationMs ?? 0) / longest)
              bar?.style.setProperty('height', `${share * 100}%`)
            }}
          />
        )
      })}
    </span>
  )
}
