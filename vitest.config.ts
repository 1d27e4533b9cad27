import { defineConfig } from 'vitest/config'

/** Tests that need no server stand beside their source; the ones in `test/` start real servers. */
export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    include: ['{schemas,streams,services,deploy}/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // What four processes have loaded is not loaded again for each of 140 files.
    isolate: false,
    // They wait for servers and for time more than they compute.
    maxWorkers: 4,
  },
})
