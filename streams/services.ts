/**
 * Services' door: questions over NATS request/reply in the form that `nats service list` finds (ADR-32).
 * Instances of one service share its questions. Who asks gets JSON, or the headers `Nats-Service-Error`
 * and `Nats-Service-Error-Code` with the code that HTTP would have had.
 */
import type { ServiceMsg } from '@nats-io/services'
import type { Msg } from '@nats-io/transport-node'
import type { Service, Services } from '@headway/schemas/ports.ts'
import type { Connection } from './connect.ts'
import { parseSubject, serviceSubject } from './subjects.ts'

const refuse = (message: ServiceMsg, error: unknown): void => {
  const { status = 500, code = 'internal_error' } = error as { status?: number; code?: string }
  const isOurs = status >= 500 && code === 'internal_error'
  const detail = isOurs ? 'this is our fault; the log has it' : String((error as Error).message)
  const body = JSON.stringify({ code, status, detail })
  // A header is one line.
  message.respondError(status, detail.replaceAll(/\s+/g, ' '), body)
}

const answer = async (service: Service, message: ServiceMsg): Promise<void> => {
  try {
    const request = readJson(message)
    const { tenant } = parseSubject(message.subject)
    message.respond(JSON.stringify(await service.answer(request, tenant)))
  } catch (error) {
    refuse(message, error)
  }
}

const readJson = (message: ServiceMsg): unknown => {
  try {
    return message.data.length === 0 ? {} : message.json()
  } catch {
    throw Object.assign(new Error('the request is not JSON'), {
      status: 400,
      code: 'malformed_json',
    })
  }
}

export const openServices = ({ nc }: Connection): Services => ({
  serve: async (service, signal) => {
    const { Svcm } = await import('@nats-io/services')
    const { name, tenant, version, description, request, response } = service
    const metadata = { tenant: tenant ?? 'every' }
    const served = await new Svcm(nc).add({ name, version, description, metadata })
    served.addEndpoint(name, {
      subject: serviceSubject(tenant, name),
      metadata: { request: JSON.stringify(request), response: JSON.stringify(response) },
      handler: (error, message) => void (error === null && answer(service, message)),
    })
    const stop = () => void served.stop().catch(() => null)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  },
  ask: async (tenant, name, request, timeout) => {
    const subject = serviceSubject(tenant, name)
    const message = await nc.request(subject, JSON.stringify(request), { timeout }).catch(() => {
      throw new RefusedError(503, 'nobody_answers', `nobody answers for ${name}`)
    })
    return answerOf(message)
  },
})

/** What a service said no with. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, detail: string) {
    super(detail)
    this.status = status
    this.code = code
  }
}

const answerOf = (message: Msg): unknown => {
  const status = message.headers?.get('Nats-Service-Error-Code')
  if (!status) return message.json()
  const { code, detail } = message.json<{ code: string; detail: string }>()
  throw new RefusedError(Number(status), code, detail)
}
