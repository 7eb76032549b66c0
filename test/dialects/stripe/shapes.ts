import { isObject } from '../../../src/model/json.ts'
import type { Json, JsonObject } from '../../../src/model/json.ts'
import { fixture } from './support.ts'

/** Path to type: `~` at the end means nullable, `?` that the member may be absent. */
type Shape = Readonly<Record<string, string>>

const shapes = fixture('shapes.json') as Readonly<Record<'acacia' | 'endive', Readonly<Record<string, Shape>>>>

const SHAPE_OF: Readonly<Record<string, string>> = {
  subscription: 'Subscription',
  subscription_item: 'SubscriptionItem',
  invoice: 'Invoice',
  line_item: 'InvoiceLineItem',
  invoice_payment: 'InvoicePayment',
  invoiceitem: 'InvoiceItem',
  payment_intent: 'PaymentIntent',
  charge: 'Charge',
  customer: 'Customer',
  price: 'Price',
  plan: 'Plan',
  product: 'Product',
  'checkout.session': 'Checkout.Session',
  'billing.meter': 'Billing.Meter',
  'test_helpers.test_clock': 'TestHelpers.TestClock',
  payment_method: 'PaymentMethod',
  refund: 'Refund',
}

/** On the wire but not in the types. */
const UNTYPED: ReadonlySet<string> = new Set(['Subscription.plan', 'Subscription.quantity'])

/** Everything about an object that its shape does not allow, one line each. */
export function faultsOf(
  object: JsonObject,
  generation: 'acacia' | 'endive',
  without: readonly string[] = [],
): string[] {
  const name = SHAPE_OF[typeof object['object'] === 'string' ? object['object'] : ''] ?? ''
  const shape = shapes[generation][name]
  if (shape === undefined) return [`no shape for ${JSON.stringify(object['object'])}`]
  const check: Check = { shape, name, generation, faults: [] }
  checkMembers(object, '', check)
  return check.faults.filter((fault) => !without.includes(fault))
}

interface Check {
  readonly shape: Shape
  readonly name: string
  readonly generation: 'acacia' | 'endive'
  readonly faults: string[]
}

function checkMembers(object: JsonObject, prefix: string, check: Check): void {
  const { shape, name, faults } = check
  const depth = prefix === '' ? 0 : prefix.split('.').length - 1
  for (const [path, type] of Object.entries(shape)) {
    if (!path.startsWith(prefix) || path.split('.').length !== depth + 1) continue
    const key = path.slice(prefix.length)
    if (!type.replace(/~$/, '').endsWith('?') && !Object.hasOwn(object, key)) faults.push(`${name}.${path} is missing`)
  }
  for (const [key, value] of Object.entries(object)) {
    const path = prefix + key
    const type = shape[path]
    if (type === undefined) {
      // Shapes are tabled to a limited depth: below an object without listed members everything goes.
      const listed = Object.keys(shape).some((other) => other.startsWith(prefix))
      if (listed && !UNTYPED.has(`${name}.${path}`)) faults.push(`${name}.${path} is invented`)
    } else {
      checkValue(value, path, check)
    }
  }
}

function checkValue(value: Json, path: string, check: Check): void {
  const type = check.shape[path] ?? ''
  const bare = type.replace(/[?~]+$/, '')
  function say(fault: string): void {
    check.faults.push(`${check.name}.${path} ${fault}`)
  }
  if (value === null) {
    if (!type.endsWith('~')) say('is null')
    return
  }
  if (bare.startsWith('enum:')) {
    if (
      !bare
        .slice(5)
        .split(',')
        .includes(typeof value === 'string' ? value : '')
    )
      say(`has ${JSON.stringify(value)}`)
  } else if (bare === 'number' || bare === 'boolean' || bare === 'string') {
    if (typeof value !== bare) say(`is no ${bare}`)
  } else if (bare.startsWith('list<')) {
    if (!isObject(value) || value['object'] !== 'list' || !Array.isArray(value['data'])) say('is no list')
    else checkItems(value['data'] as readonly Json[], path, check)
  } else if (bare.startsWith('enum | array<')) {
    if (typeof value !== 'string' && !Array.isArray(value)) say('is neither a word nor a list of words')
  } else if (bare.startsWith('array<')) {
    if (!Array.isArray(value)) say('is no array')
    else checkItems(value, path, check)
  } else if (bare.startsWith('map<')) {
    if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) say('is no map of texts')
  } else if (bare.startsWith('string |')) {
    if (typeof value !== 'string') say('is expanded')
  } else if (isObject(value)) {
    if (typeof value['object'] === 'string') check.faults.push(...faultsOf(value, check.generation))
    else checkMembers(value, `${path}.`, check)
  } else {
    say('is no object')
  }
}

function checkItems(items: readonly Json[], path: string, check: Check): void {
  for (const item of items) {
    if (!isObject(item)) continue
    if (typeof item['object'] === 'string') check.faults.push(...faultsOf(item, check.generation))
    else checkMembers(item, `${path}.`, check)
  }
}
