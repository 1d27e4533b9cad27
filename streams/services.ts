/**
 * Services' door: questions over NATS request/reply in the form that `nats service list` finds (ADR-32).
 * Instances of one service share its questions. Who asks gets JSON, or the headers `Nats-Service-Error`
 * and `Nats-Service-Error-Code` with the code that HTTP would have had.
 */
import type { ServiceMsg } from '@nats-io/services'
import type { Service, Services } from '@headway/schemas/ports.ts'
import type { Connection } from './connect.ts'
import { serviceSubject } from './subjects.ts'

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
    message.respond(JSON.stringify(await service.answer(request)))
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
    const served = await new Svcm(nc).add({ name, version, description, metadata: { tenant } })
    served.addEndpoint(name, {
      subject: serviceSubject(tenant, name),
      metadata: { request: JSON.stringify(request), response: JSON.stringify(response) },
      handler: (error, message) => void (error === null && answer(service, message)),
    })
    const stop = () => void served.stop().catch(() => null)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  },
})
