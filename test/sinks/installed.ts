/**
 * Real servers that npm does not carry. `test/sinks/install-servers.sh` gets them from other registries
 * into a folder of the user; a test whose server is not there is skipped and says so. In CI
 * `HEADWAY_TEST_REQUIRE=redis-server,sshd,zookeeper,ferretdb` makes that an error.
 */
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'vitest'

const folder =
  process.env['HEADWAY_TEST_SERVERS'] ?? join(homedir(), '.cache', 'headway', 'test-servers')

/** The path of a server's program or folder, or null when a test must do without. */
export const installed = (server: string): string | null => {
  const path = join(folder, server)
  if (existsSync(path) && readdirSync(folder).includes(server)) return path
  return without(server, `run test/sinks/install-servers.sh ${server}`)
}

/** The path of a program that the system's own packages bring, or null. */
export const onPath = (program: string, from: string): string | null => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  const found = folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
  return found ?? without(program, `apt-get install ${from}`)
}

const without = (server: string, cure: string): null => {
  const required = (process.env['HEADWAY_TEST_REQUIRE'] ?? '').split(',')
  if (required.includes(server) || required.includes('all')) {
    throw new Error(`${server} is required and not there: ${cure}`)
  }
  test.skip(`needs ${server}: ${cure}`)
  return null
}
