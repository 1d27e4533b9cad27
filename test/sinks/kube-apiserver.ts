/** A real Kubernetes API server on its own etcd: no nodes and no controllers, as a ConfigMap needs none. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startChild, untilReady } from '@headway/deploy/child.ts'
import { Agent, request } from 'undici'
import { freePort } from './free-port.ts'
import { token } from './kubernetes-server.ts'

export const startKubeApiServer = async (program: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'headway-kubernetes-'))
  const [port, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()]
  const etcdUrl = `http://127.0.0.1:${etcdPort}`
  const etcd = await startChild({
    name: 'etcd',
    command: join(dirname(program), 'etcd'),
    args: [
      `--data-dir=${join(folder, 'etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    ],
  })
  const key = join(folder, 'service-account.key')
  execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'ignore' })
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`)
  const api = await startChild({
    name: 'kube-apiserver',
    command: program,
    args: [
      `--etcd-servers=${etcdUrl}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${join(folder, 'certificates')}`,
      '--service-account-issuer=https://headway.invalid',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--disable-admission-plugins=ServiceAccount',
    ],
  })
  const server = `https://127.0.0.1:${port}`
  const certificateAuthority = join(folder, 'certificates', 'apiserver.crt')
  const headers = { authorization: `Bearer ${token}` }
  const isReady = async () => {
    const ca = await readFile(certificateAuthority, 'utf8')
    const dispatcher = new Agent({ connect: { ca } })
    // The namespace `default` is made by a controller of its own, a moment after the server is ready.
    const { statusCode, body } = await request(`${server}/api/v1/namespaces/default`, {
      headers,
      dispatcher,
    })
    await body.dump()
    await dispatcher.close()
    return statusCode === 200 || undefined
  }
  await untilReady(api, () => isReady().catch(() => undefined), 60_000)
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigFor({ server, certificateAuthority }))
  return {
    access: { server, token, certificateAuthority },
    kubeconfig,
    stop: async () => {
      await api.stop()
      await etcd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const kubeconfigFor = (cluster: { server: string; certificateAuthority: string }): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'ann', namespace: 'default' } }],
    clusters: [
      {
        name: 'test',
        cluster: { server: cluster.server, 'certificate-authority': cluster.certificateAuthority },
      },
    ],
    users: [{ name: 'ann', user: { token } }],
  })
