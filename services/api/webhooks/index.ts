/** Every platform whose deliveries are understood, one line each. */
import { bitbucket } from './bitbucket.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import type { Platform } from './platform.ts'

export const platforms = { github, gitlab, gitea, bitbucket } as const satisfies Record<
  string,
  Platform
>

export type PlatformName = keyof typeof platforms
