/** Questions of runs and answers to them, by id, by correlation, by token; late, twice, and too early. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ulidOf } from '@headway/schemas/ids.ts'
import { ApiWorld } from './api-world.ts'
import { until } from './harness.ts'

let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
  await api.pipeline('p')
})
afterAll(() => api.close())

const idOf = ({ id }: { id: string }) => id
const ok = { ok: true }
const complete = (payload: object, key?: string) => api.post('/interactions/complete', payload, key)
const answers = () => api.told('InteractionCompleted', 'p')

/** Waits until a question's deadline is over. */
const passed = async (interaction: string) => {
  const { deadlineAt } = await api.get(`/interactions/${interaction}`)
  await until('the deadline', () => Date.now() > Date.parse(deadlineAt))
}

describe('questions', () => {
  test('are found by whom they are for, what they are about, and when they are due', async () => {
    const hour = 3_600_000
    const mine = await api.asking('p', { assignee: 'bob', group: 'ops', timeoutMs: hour })
    const other = await api.asking('p', { assignee: 'eve', step: 'second', timeoutMs: 3 * hour })
    const find = async (query: string) => (await api.get(`/interactions?${query}`)).map(idOf)
    const { interaction: one } = mine
    const two = other.interaction
    expect(await find('status=waiting')).toEqual([two, one])
    expect(await find('assignee=bob')).toEqual([one])
    expect(await find('group=ops&pipeline=p')).toEqual([one])
    expect(await find('step=second')).toEqual([two])
    expect(await find(`run=${mine.run}`)).toEqual([one])
    expect(await find('dueBefore=2h')).toEqual([one])
    expect(await find('pipeline=q')).toEqual([])
    expect(await find('status=completed&status=expired')).toEqual([])
    const { headers } = await api.call('GET', '/interactions?limit=1')
    const next = /<([^>]+)>; rel="next"/.exec(String(headers.link))![1]!
    expect((await api.get(next)).map(idOf)).toEqual([one])
    expect(await api.get(`/interactions/${one}`)).toMatchObject({
      run: mine.run,
      status: 'waiting',
      tokenRequired: false,
      request: { what: 'is this right?' },
      responseSchema: { required: ['ok'] },
      response: null,
    })
    expect((await api.call('GET', '/interactions/nope')).body.code).toBe('unknown_interaction')
    expect(await api.get('/status')).toMatchObject({ openQuestions: 2 })
  })
})

describe('an answer', () => {
  test('counts once; the same again is a duplicate, another one a conflict', async () => {
    const { run, interaction } = await api.asking('p')
    const payload = { interactionId: interaction, response: ok, reason: 'looks right' }
    expect(await complete(payload)).toMatchObject({
      status: 200,
      body: { status: 'completed', duplicate: false, interactionId: interaction, run },
    })
    expect((await answers()).at(-1)).toMatchObject({
      interaction,
      token: false,
      actor: { name: 'ada', reason: 'looks right' },
    })
    const count = (await answers()).length
    const again = await complete({ interactionId: interaction, response: { ok: true } })
    expect(again).toMatchObject({ status: 200, body: { duplicate: true } })
    const other = await complete({ interactionId: interaction, response: { ok: false } })
    expect(other).toMatchObject({ status: 409, body: { code: 'interaction_completed' } })
    expect(await answers()).toHaveLength(count)
  })

  test('of two at once the log decides, and both hear it', async () => {
    const { interaction } = await api.asking('p')
    await api.settled()
    const send = (response: object) =>
      api.send('POST', '/interactions/complete', {
        payload: { interactionId: interaction, response },
      })
    const replies = await Promise.all([send({ ok: true }), send({ ok: false }), send({ ok: true })])
    const { response } = await api.get(`/interactions/${interaction}`)
    const isFirst = response.ok === true
    expect(replies.map(({ status }) => status)).toEqual(isFirst ? [200, 409, 200] : [409, 200, 409])
    const fresh = replies.filter(({ body }) => body.duplicate === false)
    expect(fresh).toHaveLength(1)
  })

  test('must fit what is asked', async () => {
    const { interaction } = await api.asking('p')
    const count = (await answers()).length
    const wrong = await complete({ interactionId: interaction, response: { ok: 'yes' } })
    expect(wrong).toMatchObject({ status: 422, body: { code: 'response_misfit' } })
    expect(wrong.body.detail).toContain('/ok')
    expect((await complete({ interactionId: interaction })).status).toBe(400)
    const nul = await complete({ interactionId: interaction, response: { ok: true, x: ['\0'] } })
    expect([nul.status, nul.body.code]).toEqual([400, 'bad_body'])
    expect(await answers()).toHaveLength(count)
  })

  test('names a question that is known', async () => {
    const { interaction } = await api.asking('p', { correlation: 'named' })
    const none = await complete({ response: ok })
    expect([none.status, none.body.code]).toEqual([400, 'bad_body'])
    expect((await complete({ response: ok, correlationId: 'x' })).status).toBe(400)
    const where = { correlationId: 'x', pipelineId: 'none', response: ok }
    expect((await complete(where)).body.code).toBe('unknown_pipeline')
    const unknown = await complete({ interactionId: ulidOf(1, 'x'), response: ok })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknown_interaction'])
    const both = { interactionId: interaction, correlationId: 'other', response: ok }
    expect((await complete(both)).body.code).toBe('other_correlation')
    const elsewhere = { interactionId: interaction, pipelineId: 'q', response: ok }
    expect((await complete(elsewhere)).body.code).toBe('other_pipeline')
    const right = { pipelineId: 'p', correlationId: 'named', response: ok }
    expect((await complete(right)).body).toMatchObject({ interactionId: interaction })
  })

  test('under one name goes to the run that was asked for first, and never twice', async () => {
    const first = await api.asking('p', { correlation: 'job' })
    const second = await api.asking('p', { correlation: 'job' })
    const payload = { pipelineId: 'p', correlationId: 'job', response: ok }
    expect((await complete(payload, 'key-1')).body.interactionId).toBe(first.interaction)
    expect((await complete({ ...payload, response: { ok: false } })).body.interactionId).toBe(
      second.interaction,
    )
    expect((await complete({ ...payload, response: { ok: 1 } })).status).toBe(409)
    expect((await complete({ ...payload, response: { ok: false } })).body.duplicate).toBe(true)
  })

  test('before its question is held once, then applied [E17]', async () => {
    const payload = { pipelineId: 'p', correlationId: 'early', response: ok }
    const count = (await answers()).length
    expect(await complete(payload)).toMatchObject({
      status: 202,
      body: { status: 'held', duplicate: false, interactionId: null },
    })
    expect(await complete(payload)).toMatchObject({ status: 202, body: { duplicate: true } })
    const interaction = ulidOf(2, 'early')
    const byId = { pipelineId: 'p', interactionId: interaction, response: ok }
    expect((await complete(byId)).body.status).toBe('held')
    expect(await answers()).toHaveLength(count + 2)
    const early = await api.asking('p', { correlation: 'early' })
    expect(await api.get(`/interactions/${early.interaction}`)).toMatchObject({
      status: 'completed',
      response: ok,
      answeredBy: { name: 'ada' },
    })
    await api.asking('p', { interaction })
    expect((await api.get(`/interactions/${interaction}`)).status).toBe('completed')
  })

  test('is late when the deadline is over, and when its run has ended', async () => {
    const { interaction } = await api.asking('p', { timeoutMs: 30 })
    const late = () => complete({ interactionId: interaction, response: ok })
    await passed(interaction)
    expect((await late()).body.code).toBe('interaction_expired')
    const expired = await api.asking('p', { timeoutMs: 30 })
    await passed(expired.interaction)
    const error = { type: 'InteractionExpired', message: 'nobody answered' }
    await api.ended('RunDeadLettered', 'p', expired.run, { error })
    expect((await complete({ interactionId: expired.interaction, response: ok })).body.code).toBe(
      'interaction_expired',
    )
    expect((await api.get('/dead-letters?type=InteractionExpired')).map(idOf)).toEqual([
      expired.run,
    ])
    const ended = await api.asking('p')
    await api.ended('RunCancelled', 'p', ended.run)
    expect((await complete({ interactionId: ended.interaction, response: ok })).body.code).toBe(
      'interaction_cancelled',
    )
  })
})

describe('a resume token', () => {
  const mint = async (interaction: string) =>
    (await api.post(`/interactions/${interaction}/token`)).body.resumeToken as string

  test('is needed whenever the question says so, by whatever name [E16]', async () => {
    const { interaction } = await api.asking('p', { token: true, correlation: 'guarded' })
    const count = (await answers()).length
    const missing = { status: 403, body: { code: 'resume_token_required' } }
    expect(await complete({ interactionId: interaction, response: ok })).toMatchObject(missing)
    const byName = { pipelineId: 'p', correlationId: 'guarded', response: ok }
    expect(await complete(byName)).toMatchObject(missing)
    expect(await answers()).toHaveLength(count)
    const resumeToken = await mint(interaction)
    const done = await complete({ ...byName, resumeToken })
    expect(done).toMatchObject({ status: 200, body: { interactionId: interaction } })
    expect((await answers()).at(-1)).toMatchObject({ token: true })
    expect(await complete({ interactionId: interaction, response: ok })).toMatchObject(missing)
    expect((await complete({ resumeToken, response: ok })).body.duplicate).toBe(true)
  })

  test('answers alone, its own question and no other', async () => {
    const one = await api.asking('p', { token: true })
    const two = await api.asking('p', { token: true })
    const resumeToken = await mint(one.interaction)
    const bad = async (body: object) => {
      const { status, body: problem } = await complete({ response: ok, ...body })
      return [status, problem.code]
    }
    const invalid = [403, 'resume_token_invalid']
    expect(await bad({ interactionId: two.interaction, resumeToken })).toEqual(invalid)
    expect(await bad({ pipelineId: 'q', resumeToken })).toEqual(invalid)
    expect(await bad({ resumeToken: `${resumeToken}x` })).toEqual(invalid)
    const [body, mac] = resumeToken.split('.') as [string, string]
    const claim = JSON.parse(Buffer.from(body, 'base64url').toString()) as object
    const forged = JSON.stringify({ ...claim, interaction: two.interaction })
    const changed = `${Buffer.from(forged).toString('base64url')}.${mac}`
    expect(await bad({ resumeToken: changed })).toEqual(invalid)
    const free = await api.asking('p')
    expect(await bad({ interactionId: free.interaction, resumeToken: changed })).toEqual(invalid)
    expect((await complete({ resumeToken, response: ok })).status).toBe(200)
  })

  test('is minted for open questions by an API that has keys', async () => {
    // The question must still be open when its token is minted.
    const { interaction, run } = await api.asking('p', { token: true, timeoutMs: 4_000 })
    const resumeToken = await mint(interaction)
    expect(resumeToken).toBeTruthy()
    await passed(interaction)
    const expired = await complete({ resumeToken, response: ok })
    expect([expired.status, expired.body.code]).toEqual([403, 'resume_token_expired'])
    const late = await api.post(`/interactions/${interaction}/token`)
    expect([late.status, late.body.code]).toEqual([409, 'interaction_expired'])
    await api.ended('RunCancelled', 'p', run)
    const over = await api.post(`/interactions/${interaction}/token`)
    expect(over.status).toBe(409)
    expect((await api.post('/interactions/nope/token')).body.code).toBe('unknown_interaction')
    const keyless = await ApiWorld.open({ resumeKeys: '' })
    try {
      const none = await keyless.post(`/interactions/${interaction}/token`)
      expect([none.status, none.body.code]).toEqual([409, 'resume_keys_missing'])
      expect(none.body.detail).toContain('HEADWAY_RESUME_KEYS')
    } finally {
      await keyless.close()
    }
  })
})
