import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventIds, firstEventId, storedAtOf } from '../../src/delivery/event_id.ts'
import { passesFilter, requireEventTypes, typeMatcher } from '../../src/delivery/event_types.ts'
import { FairQueue } from '../../src/delivery/fair_queue.ts'
import { healthStep } from '../../src/delivery/health_plan.ts'
import { requireHeaders } from '../../src/delivery/endpoint_input.ts'
import { rotate, signingSecrets } from '../../src/delivery/rotation.ts'
import { acknowledges, nextAttempt, policyProblem, retryAfterOf } from '../../src/delivery/retry_plan.ts'
import { DAY_MS, HOUR_MS, instant, MINUTE_MS, SECOND_MS } from '../../src/model/instant.ts'
import type { RetryPolicy } from '../../src/model/retry.ts'
import { createSeededRandom } from '../../src/runtime/system_random.ts'

const START = instant(1_767_225_600_000)

const POLICY: RetryPolicy = {
  id: 'test',
  offsetsMs: [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS],
  giveUpAfterMs: 2 * HOUR_MS,
  jitter: 0,
  acknowledged: '2xx',
  timeoutMs: SECOND_MS,
  honorsRetryAfter: true,
  goneDisables: true,
  disableAfterMs: DAY_MS,
  warnAfterMs: HOUR_MS,
  freshSignature: true,
  source: 'this test',
}

/** Offsets of all attempts of an endpoint that always fails, each made exactly when it is due. */
function schedule(policy: RetryPolicy, fraction = 0.5): readonly number[] {
  const offsets = [0]
  let at = START
  for (let made = 1; made < 300; made += 1) {
    const next = nextAttempt({ policy, firstAt: START, made, now: at, fraction, retryAfterMs: null })
    if (next === null) return offsets
    offsets.push(next - START)
    at = next
  }
  return offsets
}

describe('the retry plan', () => {
  test('makes an attempt at each offset from the first, then gives up', () => {
    expect(schedule(POLICY)).toEqual([0, ...POLICY.offsetsMs])
  })

  test('gives up after the time that the policy says, whatever offsets remain', () => {
    expect(schedule({ ...POLICY, giveUpAfterMs: MINUTE_MS })).toEqual([0, 5 * SECOND_MS, 30 * SECOND_MS])
  })

  test('hourly for 72 hours makes 73 attempts', () => {
    const offsetsMs = Array.from({ length: 72 }, (_, i) => (i + 1) * HOUR_MS)
    expect(schedule({ ...POLICY, offsetsMs, giveUpAfterMs: 72 * HOUR_MS })).toHaveLength(73)
  })

  test('jitter spreads each wait by its share, both ways', () => {
    const policy = { ...POLICY, jitter: 0.1 }
    const at = (fraction: number) =>
      (nextAttempt({ policy, firstAt: START, made: 5, now: START, fraction, retryAfterMs: null }) ?? 0) - START
    expect(at(0)).toBe(54 * MINUTE_MS)
    expect(at(0.5)).toBe(HOUR_MS)
    expect(at(1)).toBe(66 * MINUTE_MS)
  })

  test('Retry-After puts an attempt off, only where the policy honors it, and never beyond the end', () => {
    const failed = { policy: POLICY, firstAt: START, made: 1, now: START, fraction: 0.5 }
    expect(nextAttempt({ ...failed, retryAfterMs: MINUTE_MS })).toBe(START + MINUTE_MS)
    expect(nextAttempt({ ...failed, retryAfterMs: SECOND_MS })).toBe(START + 5 * SECOND_MS)
    expect(nextAttempt({ ...failed, retryAfterMs: DAY_MS })).toBe(START + 2 * HOUR_MS)
    const deaf = { ...POLICY, honorsRetryAfter: false }
    expect(nextAttempt({ ...failed, policy: deaf, retryAfterMs: MINUTE_MS })).toBe(START + 5 * SECOND_MS)
  })

  test('offsets that passed while nothing ran are left out; one just missed is made up for at once', () => {
    const now = instant(START + 5 * MINUTE_MS)
    const failed = { policy: POLICY, firstAt: START, fraction: 0.5, retryAfterMs: null }
    expect(nextAttempt({ ...failed, made: 1, now })).toBe(START + 10 * MINUTE_MS)
    expect(nextAttempt({ ...failed, made: 1, now: instant(START + 6 * SECOND_MS) })).toBe(START + 6 * SECOND_MS)
  })

  test('never goes back in time, never beyond the end, and comes to an end', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 10_000_000 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 20_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (offsets, giveUpAfterMs, jitter, fraction) => {
          const policy = { ...POLICY, offsetsMs: offsets.sort((a, b) => a - b), giveUpAfterMs, jitter }
          const times = schedule(policy, fraction)
          expect(times.length).toBeLessThanOrEqual(offsets.length + 1)
          for (const [i, time] of times.entries()) {
            expect(time).toBeGreaterThanOrEqual(times[i - 1] ?? 0)
            expect(time).toBeLessThanOrEqual(giveUpAfterMs)
          }
        },
      ),
    )
  })

  test('reads Retry-After as seconds or as a date', () => {
    expect(retryAfterOf({ 'Retry-After': '120' }, START)).toBe(120_000)
    expect(retryAfterOf({ 'retry-after': new Date(START + 90_000).toUTCString() }, START)).toBe(90_000)
    expect(retryAfterOf({ 'retry-after': new Date(START - 90_000).toUTCString() }, START)).toBe(0)
    for (const text of ['', 'soon', '-5', '1.5', '2026']) {
      if (text !== '2026') expect(retryAfterOf({ 'retry-after': text }, START), text).toBeNull()
    }
    expect(retryAfterOf({}, START)).toBeNull()
  })

  test('acknowledges what the policy says and no redirect', () => {
    expect([200, 201, 204, 299].every((status) => acknowledges(POLICY, status))).toBe(true)
    expect([199, 300, 301, 307, 400, 404, 410, 500].some((status) => acknowledges(POLICY, status))).toBe(false)
    const only200 = { ...POLICY, acknowledged: [200] }
    expect([200, 201, 204].map((status) => acknowledges(only200, status))).toEqual([true, false, false])
  })

  test('names what is wrong with a policy', () => {
    expect(policyProblem(POLICY)).toBeNull()
    expect(policyProblem({ ...POLICY, offsetsMs: [2, 1] })).toContain('rise')
    expect(policyProblem({ ...POLICY, offsetsMs: [-1] })).toContain('rise')
    expect(policyProblem({ ...POLICY, jitter: 2 })).toContain('jitter')
    expect(policyProblem({ ...POLICY, timeoutMs: 0 })).toContain('timeoutMs')
    expect(policyProblem({ ...POLICY, offsetsMs: Array.from({ length: 201 }, (_, i) => i + 1) })).toContain('200')
  })
})

describe('event types', () => {
  test('match exactly, by prefix, or all', () => {
    const wants = typeMatcher(['invoice.*', 'customer.created'])
    expect(wants('invoice.paid')).toBe(true)
    expect(wants('invoice.payment.failed')).toBe(true)
    expect(wants('customer.created')).toBe(true)
    for (const type of ['invoice', 'invoicex.paid', 'customer.updated', 'customer.created.x'])
      expect(wants(type)).toBe(false)
    expect(typeMatcher(['*'])('anything')).toBe(true)
  })

  test('refuses what is no pattern', () => {
    for (const pattern of ['', '*.paid', 'a*', 'a.*.b', ' a', 'a b', '.a'])
      expect(() => requireEventTypes([pattern]), pattern).toThrow('eventTypes')
    expect(() => requireEventTypes([])).toThrow('eventTypes')
    expect(requireEventTypes(['a', 'a', 'b.*'])).toEqual(['a', 'b.*'])
  })

  test('a payload filter compares values, and never looks up the prototype', () => {
    const body = { data: { object: { currency: 'eur', items: [{ id: 'a' }, { id: 'b' }], live: true } } }
    expect(passesFilter([{ path: 'data.object.currency', equals: ['usd', 'eur'] }], body)).toBe(true)
    expect(passesFilter([{ path: 'data.object.items.1.id', equals: ['b'] }], body)).toBe(true)
    expect(passesFilter([{ path: 'data.object.currency', equals: ['usd'] }], body)).toBe(false)
    expect(passesFilter([{ path: 'data.object.missing', equals: [null] }], body)).toBe(false)
    expect(passesFilter([{ path: 'data.constructor.name', equals: ['Object'] }], body)).toBe(false)
    expect(passesFilter([{ path: 'data.object.items.length', equals: [2] }], body)).toBe(false)
    expect(passesFilter([], body)).toBe(true)
  })
})

describe('custom headers', () => {
  test.each([
    'Host',
    'content-type',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'User-Agent',
    'Stripe-Signature',
    'X-Razorpay-Signature',
    'x-razorpay-event-id',
    'x-signature',
    'x-timestamp',
    'webhook-id',
    'webhook-signature',
    'webhook-timestamp',
    'svix-id',
    'traceparent',
  ])('%s cannot be replaced', (name) => {
    expect(() => requireHeaders({ [name]: 'x' })).toThrow('cannot be replaced')
  })

  test('names and values must be able to travel', () => {
    expect(requireHeaders({ Authorization: 'Bearer x', 'X-Tenant': 'a' })).toBeDefined()
    expect(() => requireHeaders({ 'a b': 'x' })).toThrow('not a valid header name')
    expect(() => requireHeaders({ a: 'x\r\nInjected: y' })).toThrow('a header cannot carry')
  })
})

describe('the fair queue', () => {
  test('takes lanes in turns, whatever their depths', () => {
    const queue = new FairQueue<string>(100)
    for (let i = 0; i < 5; i += 1) queue.push('deep', `deep${i}`, 10)
    queue.push('shallow', 'shallow0', 10)
    expect([queue.take(), queue.take(), queue.take()]).toEqual(['deep0', 'shallow0', 'deep1'])
  })

  test('a lane at its cap blocks only itself', () => {
    const queue = new FairQueue<string>(100)
    for (let i = 0; i < 3; i += 1) queue.push('slow', `slow${i}`, 1)
    for (let i = 0; i < 2; i += 1) queue.push('fast', `fast${i}`, 5)
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['slow0', 'fast0', 'fast1', null])
    queue.done('slow')
    expect(queue.take()).toBe('slow1')
  })

  test('lanes that never finish leave places free for the others', () => {
    const queue = new FairQueue<string>(64)
    for (let lane = 0; lane < 20; lane += 1) for (let i = 0; i < 50; i += 1) queue.push(`dead${lane}`, 'dead', 50)
    const takeAll = (): string[] => {
      const taken: string[] = []
      for (let item = queue.take(); item !== null; item = queue.take()) taken.push(item)
      return taken
    }
    expect(takeAll().length).toBeLessThan(64)
    queue.push('alive', 'alive', 50)
    expect(takeAll()).toEqual(['alive'])
  })

  test('a lane whose share was used up goes on as others finish', () => {
    const queue = new FairQueue<string>(8)
    for (let i = 0; i < 20; i += 1) queue.push('a', 'a', 8)
    for (let i = 0; i < 20; i += 1) queue.push('b', 'b', 8)
    let done = 0
    const out: string[] = []
    for (let turn = 0; turn < 200 && done < 40; turn += 1) {
      for (let item = queue.take(); item !== null; item = queue.take()) out.push(item)
      const first = out.shift()
      if (first === undefined) break
      queue.done(first)
      done += 1
    }
    expect(done).toBe(40)
  })

  test('loses nothing, doubles nothing, keeps order within a lane and caps, under any sequence', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 300 }),
        fc.integer({ min: 1, max: 9 }),
        (steps, limit) => {
          const queue = new FairQueue<{ lane: string; n: number }>(limit)
          const out: { lane: string; n: number }[] = []
          const taken: { lane: string; n: number }[] = []
          let n = 0
          for (const [lane, push] of steps) {
            if (push) queue.push(lane, { lane, n: (n += 1) }, 2)
            else {
              const item = queue.take()
              if (item !== null) {
                out.push(item)
                taken.push(item)
              } else {
                const first = out.shift()
                if (first !== undefined) queue.done(first.lane)
              }
              for (const name of ['a', 'b', 'c'])
                expect(out.filter((one) => one.lane === name).length).toBeLessThanOrEqual(2)
            }
          }
          for (const { lane } of out.splice(0)) queue.done(lane)
          for (let item = queue.take(); item !== null; item = queue.take()) {
            taken.push(item)
            queue.done(item.lane)
          }
          expect(taken).toHaveLength(n)
          expect(queue.waiting).toBe(0)
          expect(queue.out).toBe(0)
          for (const name of ['a', 'b', 'c']) {
            const order = taken.filter(({ lane }) => lane === name).map((item) => item.n)
            expect(order).toEqual([...order].sort((a, b) => a - b))
          }
        },
      ),
    )
  })
})

describe('rotation of secrets', () => {
  const old = { text: 'old', from: instant(START - DAY_MS), until: null }
  const fresh = { text: 'new', from: START, until: null }
  const hour = instant(START + HOUR_MS)

  test('sign_with_all: both sign during the overlap, then only the new one', () => {
    const rotation = { kind: 'sign_with_all', overlapMs: DAY_MS } as const
    const secrets = rotate([old], fresh, rotation)
    const signs = (now: number) =>
      signingSecrets(secrets, rotation, { createdAt: START }, instant(now)).map(({ text }) => text)
    expect(signs(hour)).toEqual(['new', 'old'])
    expect(signs(START + DAY_MS)).toEqual(['new'])
  })

  test('old_for_old_events: the one that was current when the event was made, and never two', () => {
    const rotation = { kind: 'old_for_old_events', overlapMs: DAY_MS } as const
    const secrets = rotate([old], fresh, rotation)
    const signs = (createdAt: number, now: number) =>
      signingSecrets(secrets, rotation, { createdAt: instant(createdAt) }, instant(now)).map(({ text }) => text)
    expect(signs(START - 1, hour)).toEqual(['old'])
    expect(signs(START, hour)).toEqual(['new'])
    expect(signs(START - 1, START + DAY_MS)).toEqual(['new'])
  })

  test('ended secrets are dropped at the next rotation', () => {
    const rotation = { kind: 'sign_with_all', overlapMs: HOUR_MS } as const
    const twice = rotate(
      rotate([old], fresh, rotation),
      { text: 'newest', from: instant(START + DAY_MS), until: null },
      rotation,
    )
    expect(twice.map(({ text }) => text)).toEqual(['newest', 'new'])
  })
})

describe('the health of an endpoint', () => {
  const step = (sinceMs: number, warnedAt: number | null = null) =>
    healthStep(
      POLICY,
      { failingSince: START, warnedAt: warnedAt === null ? null : instant(warnedAt) },
      instant(START + sinceMs),
    )

  test('waits, warns once, disables', () => {
    expect(step(0)).toEqual({ kind: 'wait', checkAt: START + HOUR_MS })
    expect(step(HOUR_MS)).toEqual({ kind: 'warn', checkAt: START + DAY_MS })
    expect(step(2 * HOUR_MS, START + HOUR_MS)).toEqual({ kind: 'wait', checkAt: START + DAY_MS })
    expect(step(DAY_MS, START + HOUR_MS)).toEqual({ kind: 'disable' })
  })

  test('a policy without limits asks for nothing', () => {
    const health = { failingSince: START, warnedAt: null }
    expect(healthStep({ warnAfterMs: null, disableAfterMs: null }, health, instant(START + 99 * DAY_MS))).toEqual({
      kind: 'none',
    })
    expect(healthStep(POLICY, { failingSince: null, warnedAt: null }, START)).toEqual({ kind: 'none' })
  })
})

describe('event ids', () => {
  test('rise within a process, whatever the clock does, and sort by time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 100 }), (steps) => {
        const next = eventIds(createSeededRandom('ids'))
        let now: number = START
        const ids = steps.map((step) => next(instant((now += step))))
        expect(ids).toEqual([...new Set(ids)].sort())
      }),
    )
  })

  test('tell when they were made', () => {
    const id = eventIds(createSeededRandom('ids'))(START)
    expect(id).toMatch(/^ev_[0-9A-Z]{22}$/)
    expect(storedAtOf(id)).toBe(START)
    expect(id >= firstEventId(START)).toBe(true)
    expect(id < firstEventId(instant(START + 1))).toBe(true)
  })
})
