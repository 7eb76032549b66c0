import fc from 'fast-check'
import Razorpay from 'razorpay'
import { Webhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { describe, expect, test } from 'vitest'
import { DIALECTS, dialectOf, resolveDialect } from '../../src/dialects/registry.ts'
import { DIALECT_IDS } from '../../src/dialects/dialect.ts'
import type { JsonObject } from '../../src/model/json.ts'
import { secondsOf } from '../../src/model/instant.ts'
import { decodesAnything, decodesMutated, DIALECT_LAWS, refusesChangedBit } from '../../src/testing/dialect_laws.ts'
import type { LawSubject } from '../../src/testing/dialect_laws.ts'
import { SUBJECTS } from './subjects.ts'

const index = fc.nat({ max: 1_000_000 })
const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonObject>
/** Values that stand in bodies, so that a replaced one is wrong in a way that matters. */
const value = fc.oneof(
  json,
  fc.constantFrom(null, '', 0, -1, 1.5, 1e21, '2026-13-01T00:00:00Z', [], {}, 'constructor', '__proto__'),
)

describe.each(SUBJECTS.map((subject) => [subject.dialect.id, subject] as const))(
  '%s keeps the laws:',
  (_id, subject) => {
    for (const law of DIALECT_LAWS) {
      test(law.name, async () => {
        await law.check(subject)
      })
    }

    test('a delivery with one changed bit does not open', async () => {
      await fc.assert(
        fc.asyncProperty(fc.record({ sample: index, position: index, bit: index }), (input) =>
          refusesChangedBit(subject, input),
        ),
        { numRuns: 200 },
      )
    })

    test('any body of a known type decodes without throwing', () => {
      fc.assert(
        fc.property(fc.record({ type: index, body: fc.dictionary(fc.string(), json) }), (input) => {
          decodesAnything(subject, input)
        }),
        { numRuns: 100 },
      )
    })

    test('a true body with one value replaced decodes without throwing', () => {
      fc.assert(
        fc.property(fc.record({ sample: index, place: index, value }), (input) => {
          decodesMutated(subject, input)
        }),
        { numRuns: 500 },
      )
    })
  },
)

describe('the laws can be broken:', () => {
  const subject = SUBJECTS.find(({ dialect }) => dialect.id === 'razorpay')!
  const broken = (dialect: Partial<LawSubject['dialect']>): LawSubject => ({
    ...subject,
    dialect: { ...subject.dialect, ...dialect },
  })
  const law = (name: string) => DIALECT_LAWS.find((each) => each.name === name)!

  test('a dialect that accepts everything is caught by a changed bit', async () => {
    const lax = broken({ verify: () => ({ ok: true, secret: 0, sentAt: null }) })
    // Position 2 is the first letter of a name: the body stays JSON.
    await expect(refusesChangedBit(lax, { sample: 0, position: 2, bit: 0 })).rejects.toThrow(/opened with byte 2/)
    await expect(law('nothing opens without a key').check(lax)).rejects.toThrow(/opened without a key/)
    await expect(law('an expired secret opens nothing').check(lax)).rejects.toThrow(/had expired/)
  })

  test('a catalogue without sources, a random event id and a decoder that throws are caught', () => {
    const [entry] = subject.dialect.catalogue
    const sourceless = broken({ catalogue: [{ ...entry!, source: '' }] })
    expect(() => DIALECT_LAWS[0]!.check(sourceless)).toThrow(/no meaning or source/)
    const constant = broken({
      encode: (told, view, origin) => subject.dialect.encode(told, view, origin).map((n) => ({ ...n, id: 'same' })),
    })
    expect(() => law('event ids follow from the change they tell').check(constant)).toThrow(/has one id/)
    const throwing = broken({
      decode: () => {
        throw new Error('broken')
      },
    })
    expect(() => {
      decodesMutated(throwing, { sample: 0, place: 0, value: null })
    }).toThrow('broken')
  })
})

describe('the official libraries accept what is sealed:', () => {
  const subjectOf = (id: string) => SUBJECTS.find(({ dialect }) => dialect.id === id)!

  test('razorpay, on the raw body', () => {
    const { dialect, samples, sealing } = subjectOf('razorpay')
    const secret = sealing.current.secrets[0]!
    for (const sample of samples) {
      const { headers, body } = dialect.seal(sample, sealing.current, sample.createdAt!)
      const signature = String(headers['X-Razorpay-Signature'])
      expect(Razorpay.validateWebhookSignature(Buffer.from(body).toString(), signature, secret), sample.type).toBe(true)
    }
  })

  test('standardwebhooks, with either secret of a rotation', () => {
    const { dialect, samples, sealing } = subjectOf('standard')
    const now = new Date()
    const secrets = [...sealing.current.secrets, ...sealing.older.secrets]
    for (const sample of samples) {
      const { headers, body } = dialect.seal(sample, { secrets, signingKey: null }, now.getTime() as never)
      for (const secret of secrets) {
        const verified = new Webhook(secret).verify(Buffer.from(body), headers as Record<string, string>)
        expect(verified).toEqual(sample.body)
      }
    }
  })

  test.each(['stripe@2025-02-24.acacia', 'stripe@2026-10-28.endive'])('stripe, for %s', (id) => {
    const { dialect, samples, sealing } = subjectOf(id)
    const secret = sealing.current.secrets[0]!
    for (const sample of samples) {
      const { headers, body } = dialect.seal(sample, sealing.current, sample.createdAt!)
      const signature = String(Object.entries(headers).find(([name]) => name.toLowerCase() === 'stripe-signature')![1])
      const event = Stripe.webhooks.constructEvent(
        Buffer.from(body),
        signature,
        secret,
        300,
        undefined,
        secondsOf(sample.createdAt!) * 1000,
      )
      expect(event.type).toBe(sample.type)
    }
  })
})

describe('the registry', () => {
  test('has every dialect once', () => {
    expect(DIALECTS.map(({ id }) => id).toSorted()).toEqual(DIALECT_IDS.toSorted())
    for (const id of DIALECT_IDS) expect(dialectOf(id).id).toBe(id)
  })

  test.each([
    ['stripe@2024-06-20', 'stripe@2025-02-24.acacia'],
    ['stripe@2011-01-01', 'stripe@2025-02-24.acacia'],
    ['stripe@2025-03-31.basil', 'stripe@2026-10-28.endive'],
    ['stripe@2025-08-27.basil', 'stripe@2026-10-28.endive'],
    ['stripe@2027-01-01.some_flower', 'stripe@2026-10-28.endive'],
    ['airwallex@2024-01-01', 'airwallex@2025-04-25'],
    ['airwallex@2025-06-15', 'airwallex@2025-04-25'],
    ['airwallex@2026-02-27', 'airwallex@2025-06-16'],
    ['razorpay', 'razorpay'],
  ])('%s resolves to %s', (text, id) => {
    expect(resolveDialect(text).id).toBe(id)
  })

  test.each(['', 'stripe', 'stripe@', 'stripe@2025-02-30', 'razorpay@2025-01-01', 'paddle@2025-01-01', 'Razorpay'])(
    '%j is refused with the list of ids',
    (text) => {
      expect(() => resolveDialect(text)).toThrow(/is no dialect; use one of stripe@2025-02-24\.acacia, .*standard/)
    },
  )
})
