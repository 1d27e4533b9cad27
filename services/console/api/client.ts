/** This page's one client: reads after a write wait until the read models know of it. */
import {
  Client,
  type AnswerOf,
  type Asked,
  type OperationName,
  type Reply,
} from '@headway/client/client.ts'
import { refuseInPast } from './past.ts'

export { addressOf, ApiProblem, type Address, type AnswerOf } from '@headway/client/client.ts'

export const base = '/api/v1'

class PageClient extends Client {
  override async ask<N extends OperationName>(
    name: N,
    asked: Asked<N>,
  ): Promise<Reply<AnswerOf<N>>> {
    refuseInPast(name)
    return super.ask(name, asked)
  }
}
export const client = new PageClient('', { actor: 'console' })
