/** A real sshd of the test's own: its own host key, one client key, and SFTP into the whole machine. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '../harness.ts'
import { freePort } from './free-port.ts'

export type SshServer = {
  readonly sftp: {
    host: string
    port: number
    username: string
    hostKey: string
    privateKey: string
  }
  /** A key that nobody knows. */
  readonly otherKey: string
  stop(): Promise<void>
}

const run = promisify(execFile)

export const startSsh = async (program: string): Promise<SshServer> => {
  const directory = await mkdtemp(join(tmpdir(), 'headway-ssh-'))
  const at = (name: string) => join(directory, name)
  for (const name of ['host', 'client', 'other']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
  }
  const port = await freePort()
  // Where sshd locks itself in; Debian makes it at the start of its service.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true })
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('client.pub')}`,
    `PidFile ${at('pid')}`,
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
  ]
  await writeFile(at('config'), `${settings.join('\n')}\n`)
  const server = spawn(program, ['-D', '-e', '-f', at('config')], { stdio: 'ignore' })
  const ended = once(server, 'exit')
  await until('sshd listens', async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'data')
    socket.destroy()
    return true
  })
  const { stdout } = await run('ssh-keygen', ['-l', '-f', at('host.pub')])
  return {
    sftp: {
      host: '127.0.0.1',
      port,
      username: userInfo().username,
      hostKey: stdout.split(' ')[1]!,
      privateKey: await readFile(at('client'), 'utf8'),
    },
    otherKey: await readFile(at('other'), 'utf8'),
    stop: async () => {
      server.kill()
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}
