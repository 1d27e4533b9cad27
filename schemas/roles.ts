/**
 * Who may do what. Each role may do what those before it may: look; act on runs and feeds; decide what
 * code runs and what is published; hand out access and change the configuration.
 */
export const roles = ['viewer', 'operator', 'releaser', 'admin'] as const
export type Role = (typeof roles)[number]

export const isRole = (text: unknown): text is Role => roles.includes(text as Role)

export const allows = (has: Role, needed: Role): boolean =>
  roles.indexOf(has) >= roles.indexOf(needed)
