/**
 * A pipeline's steps as React Flow draws them. The layout is part of the answer and the same every
 * time: a node stands one column right of the last of its sources, and within a column near the middle
 * of what it reads, so that lines cross little.
 */
import { Type, type Static } from 'typebox'
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { base, type Api, type Routes } from '../api.ts'
import { Problem, unknown } from '../problem.ts'
import { IdParams, Nullable } from '../shapes.ts'

const columnPx = 260
const rowPx = 100

const Node = Type.Object({
  id: Type.String(),
  type: Type.String({ description: 'input, output, or the step’s name' }),
  builtin: Type.Boolean(),
  position: Type.Object({ x: Type.Number(), y: Type.Number() }),
  data: Type.Object({
    label: Type.String(),
    kind: Type.Optional(Type.String({ description: 'of an input’s or output’s content' })),
    asset: Type.Optional(Nullable(Type.String())),
    optional: Type.Optional(Type.Boolean({ description: 'runs go without this input' })),
    step: Type.Optional(Type.String({ description: 'that makes this output' })),
    description: Type.Optional(Nullable(Type.String())),
    disabled: Type.Optional(Type.Boolean({ description: 'switched off in the configuration' })),
  }),
})
const Dag = Type.Object({
  pipelineId: Type.String(),
  pipelineVersion: Type.String(),
  nodes: Type.Array(Node),
  edges: Type.Array(
    Type.Object({ id: Type.String(), source: Type.String(), target: Type.String() }),
  ),
})
type Dag = Static<typeof Dag>
type Release = Pick<EventOf<'ReleaseRegistered'>, 'inputs' | 'outputs' | 'steps' | 'edges'>
type Place = { readonly x: number; readonly y: number }

/** Column of each node: the longest way from a node without sources. A ring ends at its length. */
const columnsOf = (
  ids: readonly string[],
  edges: Release['edges'],
): ReadonlyMap<string, number> => {
  const columns = new Map(ids.map((id) => [id, 0]))
  for (let i = 0; i < ids.length; i++) {
    let moved = false
    for (const [source, target] of edges) {
      const column = (columns.get(source) ?? 0) + 1
      if (column <= (columns.get(target) ?? 0) || column >= ids.length) continue
      columns.set(target, column)
      moved = true
    }
    if (!moved) break
  }
  return columns
}

export const layOut = (
  ids: readonly string[],
  edges: Release['edges'],
): ReadonlyMap<string, Place> => {
  const columns = columnsOf(ids, edges)
  const places = new Map<string, Place>()
  const last = Math.max(0, ...columns.values())
  for (let column = 0; column <= last; column++) {
    const members = ids.filter((id) => columns.get(id) === column)
    const wish = (id: string): number => {
      const above = edges.flatMap(([source, target]) =>
        target === id ? [places.get(source)?.y ?? 0] : [],
      )
      return above.length === 0 ? 0 : above.reduce((sum, y) => sum + y, 0) / above.length
    }
    members
      .map((id) => ({ id, y: wish(id) }))
      .sort((a, b) => a.y - b.y || (a.id < b.id ? -1 : 1))
      .forEach(({ id }, row) =>
        places.set(id, { x: column * columnPx, y: (row - (members.length - 1) / 2) * rowPx }),
      )
  }
  return places
}

export const drawDag = (
  pipelineId: string,
  pipelineVersion: string,
  release: Release,
  definition: PipelineDefinition | null,
): Dag => {
  const disabled = new Set(definition?.disabledSteps)
  const drawn = [
    ...Object.entries(release.inputs).map(([slot, { kind, optional }]) => ({
      id: `input:${slot}`,
      type: 'input',
      builtin: true,
      data: { label: slot, kind, optional, asset: definition?.slots[slot] ?? null },
    })),
    ...release.steps.map(({ id, type, builtin, description }) => ({
      id,
      type,
      builtin,
      data: { label: id, description: description ?? null, disabled: disabled.has(id) },
    })),
    ...Object.entries(release.outputs).map(([name, { kind, step }]) => ({
      id: `output:${name}`,
      type: 'output',
      builtin: true,
      data: { label: name, kind, step, asset: `output/${pipelineId}/${name}` },
    })),
  ]
  const known = new Set(drawn.map(({ id }) => id))
  const edges = [
    ...new Map(release.edges.map((edge) => [JSON.stringify(edge), edge])).values(),
  ].filter(([source, target]) => known.has(source) && known.has(target))
  const places = layOut([...known], edges)
  return {
    pipelineId,
    pipelineVersion,
    nodes: drawn.map((node) => ({ ...node, position: places.get(node.id)! })),
    edges: edges.map(([source, target]) => ({ id: `${source}->${target}`, source, target })),
  }
}

const query = ({ db, tenant }: Api, id: string, version: string | undefined) =>
  db
    .selectFrom('pipelines')
    .leftJoin('releases', (join) => {
      const joined = join
        .onRef('releases.tenant', '=', 'pipelines.tenant')
        .onRef('releases.pipeline', '=', 'pipelines.pipeline')
      return version === undefined
        ? joined.onRef('releases.pipeline_version', '=', 'pipelines.active_version')
        : joined.on('releases.pipeline_version', '=', version)
    })
    .select(['pipelines.definition', 'releases.pipeline_version'])
    .select(['releases.inputs', 'releases.outputs', 'releases.steps', 'releases.edges'])
    .where('pipelines.tenant', '=', tenant)
    .where('pipelines.pipeline', '=', id)
    .executeTakeFirst()

const Query = Type.Object({
  version: Type.Optional(
    Type.String({ maxLength: 12, description: 'of the pipeline; the active one when left out' }),
  ),
})

export const dagRoutes: Routes = (app, api) => {
  app.get(
    `${base}/pipelines/:id/dag`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'The steps of the active or of a named release as React Flow JSON',
        tags: ['pipelines'],
        params: IdParams,
        querystring: Query,
        response: { 200: Dag },
      },
    },
    async ({ params: { id }, query: { version } }) => {
      const row = await query(api, id, version)
      if (!row) throw unknown('pipeline', id, 'pipelines')
      if (row.pipeline_version === null && version !== undefined)
        throw unknown('release', `${id}/${version}`, `releases?pipeline=${id}`)
      if (row.pipeline_version === null)
        throw new Problem(
          409,
          'no_active_release',
          'no worker has registered this pipeline’s folder yet; start one that has it',
        )
      const definition = row.definition as PipelineDefinition | null
      return drawDag(id, row.pipeline_version, row as unknown as Release, definition)
    },
  )
}
