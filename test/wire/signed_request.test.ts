import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { bytesOf } from '../../src/wire/bytes.ts'
import { signingKeyOf, signRequest, verifyRequest } from '../../src/wire/signed_request.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const key = signingKeyOf(SECRET)!

describe('a signed request', () => {
  it('is what the Standard Webhooks library makes', () => {
    const made = new Webhook(SECRET).sign(
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      new Date(1_614_265_330_000),
      '{"test": 2432232314}',
    )
    const ours = signRequest(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, bytesOf('{"test": 2432232314}'))
    expect(ours['webhook-signature']).toBe(made)
  })

  it('verifies, and no longer when a byte, the id or the time is another', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), (body, at) => {
        const headers = { ...signRequest(key, 'msg_1', 1_700_000_000, body) }
        const other = body.slice()
        other[at % other.length] = other[at % other.length]! ^ 1
        expect(verifyRequest(key, headers, body, 1_700_000_000)).toBe(true)
        expect(verifyRequest(key, headers, other, 1_700_000_000)).toBe(false)
        expect(verifyRequest(key, { ...headers, 'webhook-id': 'msg_2' }, body, 1_700_000_000)).toBe(false)
        expect(verifyRequest(key, { ...headers, 'webhook-timestamp': '1700000001' }, body, 1_700_000_000)).toBe(false)
      }),
    )
  })

  it('is refused when it is old, comes from the future, or its time is no whole number', () => {
    const body = bytesOf('{}')
    const headers = { ...signRequest(key, 'msg_1', 1_700_000_000, body) }
    expect(verifyRequest(key, headers, body, 1_700_000_301)).toBe(false)
    expect(verifyRequest(key, headers, body, 1_699_999_699)).toBe(false)
    expect(verifyRequest(key, { ...headers, 'webhook-timestamp': '1700000000abc' }, body, 1_700_000_000)).toBe(false)
  })

  it('has no key in a secret that is not base64 or is too short', () => {
    expect(signingKeyOf('whsec_with_underscores')).toBeNull()
    expect(signingKeyOf('whsec_YQ==')).toBeNull()
  })
})
