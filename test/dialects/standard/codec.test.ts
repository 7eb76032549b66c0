/** What must hold for every value, of the two dialects whose bodies are free JSON. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { open } from '../../../src/dialects/dialect.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { razorpayWith } from '../../../src/dialects/razorpay/index.ts'
import { standard } from '../../../src/dialects/standard/index.ts'
import { toJson } from '../../../src/wire/snake_json.ts'
import { moneyOf } from '../../../src/dialects/standard/values.ts'
import { formatInstant, instant } from '../../../src/model/instant.ts'
import type { JsonObject } from '../../../src/model/json.ts'
import { money } from '../../../src/model/money.ts'
import { Fields } from '../../../src/wire/fields.ts'
import { BASE62, deriveId, deriveUuid } from '../../../src/wire/ids.ts'

const AT = instant(1_767_225_600_000)
const body = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  // What cannot be told from another value once it is text: a negative zero.
  .map((object) => JSON.parse(JSON.stringify(object)) as JsonObject)

describe.each([
  ['standard', standard],
  ['razorpay', razorpayWith('invoices')],
  ['razorpay with every slash escaped', razorpayWith('all')],
] as const)('%s', (_name, dialect: Dialect) => {
  test('seals any body so that it opens unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('invoice.paid', 'subscription.created'), async (inner, type) => {
        const secret = dialect.newSecret(new Uint8Array(32).fill(3)) ?? ''
        const whole = {
          ...inner,
          type,
          event: type,
          timestamp: formatInstant(AT),
          created_at: AT / 1000,
          account_id: 'a',
        }
        const account = dialect.id === 'razorpay' ? 'a' : null
        const notification = { id: 'id_1', type, createdAt: AT, account, body: whole }
        const sealed = dialect.seal(notification, { secrets: [secret], signingKey: null }, AT)
        const keys = { secrets: [{ text: secret, from: null, until: null }], publicKey: null }
        const opened = await open(dialect, sealed, keys, { at: AT, toleranceMs: null })
        expect(opened).toMatchObject({ ok: true, notification })
      }),
      { numRuns: 100 },
    )
  })
})

test('any amount in any currency comes back from its JSON exactly', () => {
  const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })
  fc.assert(
    fc.property(amount, fc.constantFrom('INR', 'JPY', 'KWD', 'CLF', 'USD'), (minor, currency) => {
      const written = toJson({ amount: money(minor, currency) })
      const problems: { path: string; message: string }[] = []
      const read = moneyOf(new Fields(written as JsonObject, problems), 'amount')
      expect(read).toEqual({ minor, currency })
      expect(problems).toEqual([])
    }),
  )
})

test.each([['1.5'], ['1e3'], [''], ['١'], ['9'.repeat(17)], ['10000000000000000']])(
  'the amount %j is refused',
  (minor) => {
    const problems: { path: string; message: string }[] = []
    expect(moneyOf(new Fields({ amount: { minor, currency: 'INR' } }, problems), 'amount')).toBeNull()
  },
)

test('derived ids follow from their seed, keep to their alphabet, and use all of it', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (seed, length) => {
      const id = deriveId(seed, BASE62, length)
      expect(id).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`))
      expect(deriveId(seed, BASE62, length)).toBe(id)
      expect(deriveUuid(seed)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }),
  )
  const ids = Array.from({ length: 2000 }, (_unused, n) => deriveId(String(n), BASE62, 14))
  expect(new Set(ids).size).toBe(2000)
  expect(new Set(ids.join('')).size).toBe(62)
})
