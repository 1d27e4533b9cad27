/**
 * The steps that come with Headway, one line each, by the name they have in a DAG. They are loaded only
 * by the pipelines that import them.
 */
export const steps = {
  combine_feeds: () => import('./combine-feeds.ts'),
  filter_stops: () => import('./filter-stops.ts'),
  merge_stops: () => import('./merge-stops.ts'),
  passthrough_realtime: () => import('./passthrough-realtime.ts'),
  passthrough_schedule: () => import('./passthrough-schedule.ts'),
  remove_unused_stops: () => import('./remove-unused-stops.ts'),
  rename_vehicles: () => import('./rename-vehicles.ts'),
  update_feed_info: () => import('./update-feed-info.ts'),
  validate_stop_hierarchy: () => import('./validate-stop-hierarchy.ts'),
} as const

type Named = { readonly name: string; readonly description: string }

/** Whether a step is the one of this name that comes with Headway, not another one called so. */
export const isBuiltin = async ({ name, description }: Named): Promise<boolean> => {
  if (!Object.hasOwn(steps, name)) return false
  const exported = Object.values(await steps[name as keyof typeof steps]()) as unknown[]
  return exported.some(
    (one) => (one as { definition?: Named }).definition?.description === description,
  )
}
