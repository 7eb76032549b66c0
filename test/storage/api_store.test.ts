import { expect, it } from 'vitest'
import { createApiKeys, requireScope } from '../../src/app/api_keys.ts'
import { instant } from '../../src/model/instant.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import { createSystemRandom } from '../../src/runtime/system_random.ts'
import { createApiStore } from '../../src/storage/api_store.ts'
import { describeOnBackends } from '../support/backends.ts'

describeOnBackends('API keys', (open) => {
  it('are shown once, kept as hashes, known again, and unknown once revoked', async () => {
    const database = await open()
    const store = createApiStore(database)
    const keys = createApiKeys({ store, clock: createManualClock(instant(1000)), random: createSystemRandom() })
    const { key, text } = await keys.create({ account: 'main', name: 'ci', scope: 'read' })
    expect(JSON.stringify(await store.keys(null))).not.toContain(text)
    expect(await keys.authenticate(text)).toEqual({ account: 'main', keyId: key.id, scope: 'read' })
    for (const wrong of ['', 'x', `${text}x`, key.hash])
      await expect(keys.authenticate(wrong)).rejects.toMatchObject({ code: 'unauthorized' })
    await keys.revoke('main', key.id)
    await expect(keys.authenticate(text)).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(keys.revoke('main', key.id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(keys.create({ account: 'main', name: ' ', scope: 'read' })).rejects.toMatchObject({
      details: { field: 'name' },
    })
  })

  it('begin with one of its own for an empty store, also when two processes start at once', async () => {
    const store = createApiStore(await open())
    const keys = createApiKeys({ store, clock: createManualClock(instant(1000)), random: createSystemRandom() })
    const made = await Promise.all([keys.bootstrap('main'), keys.bootstrap('main')])
    expect(made.filter((text) => text !== null)).toHaveLength(1)
    expect(await keys.bootstrap('main')).toBeNull()
    expect(await keys.list('main')).toMatchObject([{ id: 'key_bootstrap', scope: 'admin' }])
    expect(await keys.list('other')).toEqual([])
  })

  it('answer an idempotency key once, and free it again', async () => {
    const store = createApiStore(await open())
    const answer = { account: 'main', key: 'k', fingerprint: 'f', status: 0, answer: '', at: instant(1000) }
    expect(await store.takeAnswer(answer)).toBeNull()
    expect(await store.takeAnswer({ ...answer, fingerprint: 'g' })).toEqual(answer)
    await store.finishAnswer({ ...answer, status: 201, answer: '{}', at: instant(2000) })
    expect(await store.takeAnswer(answer)).toMatchObject({ status: 201, answer: '{}' })
    await store.dropAnswer('main', 'k')
    expect(await store.takeAnswer(answer)).toBeNull()
    expect(await store.pruneAnswers(instant(1000))).toBe(0)
    expect(await store.pruneAnswers(instant(1001))).toBe(1)
  })
})

it('A scope includes the ones before it and not the ones after it', () => {
  const caller = { account: 'main', keyId: 'k', scope: 'write' } as const
  requireScope(caller, 'read')
  requireScope(caller, 'write')
  expect(() => requireScope(caller, 'admin')).toThrow(expect.objectContaining({ code: 'forbidden' }))
})
