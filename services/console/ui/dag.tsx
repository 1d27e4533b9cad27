/** A pipeline's steps as a graph. The API says where each stands, so it never jumps. */
import type { Dag } from '../api/types.ts'
import { lookOf } from './state.tsx'

const nodeWidth = 190
const nodeHeight = 50
const margin = 12

type DagProps = {
  readonly dag: Dag
  /** Of steps, in a run. */
  readonly states?: Readonly<Record<string, string>>
  readonly onChoose?: (id: string) => void
}
export const DagView = ({ dag: { nodes, edges }, states = {}, onChoose }: DagProps) => {
  const xs = nodes.map(({ position }) => position.x)
  const ys = nodes.map(({ position }) => position.y)
  const left = Math.min(...xs) - margin
  const top = Math.min(...ys) - margin
  const width = Math.max(...xs) - left + nodeWidth + margin
  const height = Math.max(...ys) - top + nodeHeight + margin
  const at = new Map(nodes.map((node) => [node.id, node.position]))
  return (
    <div className="dag-frame" tabIndex={0} role="region" aria-label="graph of steps">
      <svg
        className="dag"
        width={width}
        height={height}
        viewBox={`${left} ${top} ${width} ${height}`}
      >
        <title>{`${nodes.length} nodes: ${nodes.map(({ data }) => data.label).join(', ')}`}</title>
        {edges.map(({ id, source, target }) => {
          const [a, b] = [at.get(source), at.get(target)]
          if (!a || !b) return null
          const [x1, y1, x2, y2] = [
            a.x + nodeWidth,
            a.y + nodeHeight / 2,
            b.x,
            b.y + nodeHeight / 2,
          ]
          const bend = Math.max(24, (x2 - x1) / 2)
          return (
            <path key={id} d={`M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`} />
          )
        })}
        {nodes.map(({ id, type, data, position }) => {
          const state = data.disabled ? 'skipped' : states[id]
          const look = state ? lookOf(state) : null
          const under = look
            ? `${look.sign} ${look.word}`
            : (data.asset ?? (type === data.label ? '' : type))
          return (
            <g
              key={id}
              className={`${look?.tone ?? ''} ${type}`}
              transform={`translate(${position.x},${position.y})`}
              onClick={() => onChoose?.(id)}
            >
              <title>{data.description ?? data.asset ?? id}</title>
              <rect width={nodeWidth} height={nodeHeight} rx="9" />
              <text x="12" y="21">
                {data.label.length > 25 ? `${data.label.slice(0, 24)}…` : data.label}
              </text>
              <text x="12" y="38" className="dag-under">
                {under.length > 28 ? `…${under.slice(-27)}` : under}
              </text>
            </g>
          )
        })}
      </svg>
    </div>
  )
}
