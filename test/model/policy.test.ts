import { describe, expect, it } from 'vitest'
import { isBillhookError } from '../../src/model/error.ts'
import { DAY_MS } from '../../src/model/instant.ts'
import { DEFAULT_POLICY, parsePolicy, rulesOf } from '../../src/model/policy.ts'

function refusal(json: unknown): string {
  try {
    parsePolicy(json)
  } catch (error) {
    if (isBillhookError(error) && error.code === 'invalid_request') return String(error.details['field'])
    throw error
  }
  return 'accepted'
}

describe('a policy', () => {
  it('of nothing is the default', () => {
    expect(parsePolicy({})).toEqual(DEFAULT_POLICY)
  })

  it('keeps what it does not name, also status by status', () => {
    const policy = parsePolicy({
      default: { leeway: 'P2D', levels: { past_due: 'limited' } },
      sources: { eu: { grace: 'P7D', levels: { unpaid: 'limited' } } },
      plans: { pro: { features: ['export'], levels: { past_due: 'full' } } },
    })
    const rules = rulesOf(policy, 'eu', { id: 'pro', product: null })
    expect(rules).toMatchObject({ leewayMs: 2 * DAY_MS, graceMs: 7 * DAY_MS, overdueGraceMs: DAY_MS })
    expect(rules.levels).toMatchObject({ past_due: 'full', unpaid: 'limited', active: 'full' })
    expect(rulesOf(policy, 'us', null).levels.past_due).toBe('limited')
  })

  it('finds a plan by its product where its id is not named', () => {
    const policy = parsePolicy({ plans: { prod_1: { leeway: 'P3D' } } })
    expect(rulesOf(policy, 's', { id: 'price_9', product: 'prod_1' }).leewayMs).toBe(3 * DAY_MS)
    expect(rulesOf(policy, 's', { id: '__proto__', product: 'constructor' }).leewayMs).toBe(DAY_MS)
  })

  it.each([
    [7, 'policy'],
    [{ defaults: {} }, 'policy.defaults'],
    [{ default: { leeway: '1 day' } }, 'default.leeway'],
    [{ default: { leeway: null } }, 'default.leeway'],
    [{ default: { levels: { active: 'some' } } }, 'default.levels.active'],
    [{ default: { levels: { activ: 'full' } } }, 'default.levels.activ'],
    [{ default: { paused: 'maybe' } }, 'default.paused'],
    [{ default: { authorizedAsTrial: 'yes' } }, 'default.authorizedAsTrial'],
    [{ sources: { a: { features: [] } } }, 'sources.a.features'],
    [{ plans: { pro: { features: 'all' } } }, 'plans.pro.features'],
    [{ plans: { pro: { features: ['a', ''] } } }, 'plans.pro.features[1]'],
    [{ plans: { pro: { limits: [{ meter: 'm', included: -1 }] } } }, 'plans.pro.limits[0].included'],
    [
      { plans: { pro: { limits: [{ meter: 'm', included: 1, thresholds: [0] }] } } },
      'plans.pro.limits[0].thresholds[0]',
    ],
    [
      { plans: { pro: { limits: [{ meter: 'm', included: 1, unitPrice: { minor: 1.5, currency: 'EUR' } }] } } },
      'plans.pro.limits[0].unitPrice.minor',
    ],
    [
      { plans: { pro: { limits: [{ meter: 'm', included: 1, unitPrice: { minor: 1, currency: 'XXX' } }] } } },
      'plans.pro.limits[0].unitPrice.currency',
    ],
  ])('%j is refused and the member named', (json, field) => {
    expect(refusal(json)).toBe(field)
  })
})
