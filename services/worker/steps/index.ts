/**
 * The steps that come with Headway, one line each, by the name they have in a DAG. They are loaded only
 * by the pipelines that import them.
 */
export const steps = {
  apply_sync: () => import('./apply-sync.ts'),
  combine_feeds: () => import('./combine-feeds.ts'),
  confirm_sync: () => import('./confirm-sync.ts'),
  filter_stops: () => import('./filter-stops.ts'),
  flatten_values: () => import('./flatten-values.ts'),
  merge_stops: () => import('./merge-stops.ts'),
  passthrough_realtime: () => import('./passthrough-realtime.ts'),
  passthrough_schedule: () => import('./passthrough-schedule.ts'),
  plan_sync: () => import('./plan-sync.ts'),
  read_files: () => import('./read-files.ts'),
  remove_unused_stops: () => import('./remove-unused-stops.ts'),
  rename_keys: () => import('./rename-keys.ts'),
  rename_vehicles: () => import('./rename-vehicles.ts'),
  slice_environment: () => import('./slice-environment.ts'),
  update_feed_info: () => import('./update-feed-info.ts'),
  validate_stop_hierarchy: () => import('./validate-stop-hierarchy.ts'),
  validate_values: () => import('./validate-values.ts'),
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
