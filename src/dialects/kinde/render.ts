import type { EntityValues, Subscription, View } from '../../model/entities.ts'
import { formatInstant } from '../../model/instant.ts'
import type { Instant } from '../../model/instant.ts'
import type { JsonObject } from '../../model/json.ts'
import { derivedId, printedId } from './ids.ts'
import { planCode, planOf, printDate } from './known.ts'

/**
 * An agreement as the Management API lists it. It has no status: it runs while `expires_on` is null or ahead. Kinde's
 * webhooks carry no such object, only parts of it; of its other billing objects no API answers one by itself.
 *
 * @source kinde-oss/management-api-js spec/kinde-mgmt-api-specs.yaml, get_billing_agreements_response
 */
export function render<K extends keyof EntityValues>(kind: K, entity: EntityValues[K], view: View): JsonObject | null {
  return RENDERERS[kind]?.(entity, view) ?? null
}

const RENDERERS: { readonly [K in keyof EntityValues]?: (entity: EntityValues[K], view: View) => JsonObject } = {
  subscription: agreementObject,
}

function agreementObject(agreement: Subscription, view: View): JsonObject {
  const plan = planOf(agreement, view)
  const product = plan === null ? undefined : view.products[plan.product]
  const group = plan === null ? null : (plan.group ?? plan.product)
  return {
    id: printedId('agreement', agreement.id),
    plan_code: plan === null ? null : planCode(plan),
    expires_on: expiry(agreement),
    billing_group_id: group === null ? null : derivedId('sbg', group),
    current_period_start: toSecond(agreement.period?.from ?? null),
    current_period_end: toSecond(agreement.period?.until ?? null),
    entitlements: (product?.features ?? []).map((feature) => ({
      feature_code: feature,
      entitlement_id: derivedId('entitlement', `${agreement.id}/${feature}`),
    })),
  }
}

function expiry(agreement: Subscription): string | null {
  const at = agreement.endedAt ?? agreement.cancel?.at ?? null
  return at === null ? null : printDate(at)
}

function toSecond(at: Instant | null): string | null {
  return at === null ? null : `${formatInstant(at).slice(0, 19)}Z`
}
