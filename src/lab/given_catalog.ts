import type { Meter, Price, PriceScheme, PriceTier, Product } from '../model/entities.ts'
import type { Currency } from '../model/currency.ts'
import { money, zero } from '../model/money.ts'
import { MONTH } from './given_invoices.ts'
import type { GivenSettings } from './given_settings.ts'
import { StoryFields } from './read_fields.ts'

const AGGREGATIONS: Readonly<Record<string, Meter['aggregation']>> = {
  sum: 'sum',
  last: 'last',
  max: 'max',
  count: 'count',
}

/** Ways in which stories name the schemes of prices. */
const SCHEMES: Readonly<Record<string, PriceScheme>> = {
  flat: 'flat',
  per_unit: 'per_unit',
  tiered: 'graduated',
  graduated: 'graduated',
  volume: 'volume',
}

/** Products, prices and meters of a story. */
export class GivenCatalog {
  readonly products = new Map<string, Product>()
  readonly prices = new Map<string, Price>()
  readonly meters = new Map<string, Meter>()
  /** Meters that no story named: they have the name of the price until an action names them. */
  readonly #unnamed = new Set<string>()
  readonly #settings: Pick<GivenSettings, 'madeAt' | 'words'>

  constructor(settings: Pick<GivenSettings, 'madeAt' | 'words'>) {
    this.#settings = settings
  }

  addProduct(fields: StoryFields): Product {
    const id = fields.requiredText('id', 'code')
    const made = { ...productOf(id, this.#settings.madeAt), name: fields.text('name') ?? id }
    this.products.set(id, made)
    return made
  }

  addMeter(fields: StoryFields): Meter {
    const { madeAt } = this.#settings
    const code = fields.text('code', 'event_name', 'feature_code', 'id') ?? 'meter_1'
    const word = (fields.text('aggregation') ?? 'sum').toLowerCase()
    const aggregation = AGGREGATIONS[word]
    if (aggregation === undefined) throw fields.fault('aggregation', Object.keys(AGGREGATIONS).join(', '))
    const id = fields.text('id') ?? code
    const meter: Meter = {
      id,
      code,
      name: fields.text('name') ?? code,
      aggregation,
      active: true,
      createdAt: madeAt,
      updatedAt: madeAt,
    }
    this.meters.set(id, meter)
    return meter
  }

  addPrice(fields: StoryFields): Price {
    const { madeAt, words } = this.#settings
    const id = fields.text('id', 'code') ?? `price_${this.prices.size + 1}`
    const currency = fields.currency() ?? 'USD'
    const unit = fields.has('unit_amount') ? 'minor' : words.amounts
    const product = fields.text('product', 'product_id') ?? `prod_${id}`
    const metered = isMetered(fields)
    const tiers = this.#tiers(fields, currency)
    // A scheme `tiered` leaves open which of the two ways: `tiers_mode` says it.
    const named = fields.text('scheme', 'billing_scheme', 'pricing_model')
    const word = (fields.text('tiers_mode') ?? named)?.toLowerCase() ?? null
    const scheme = word === null ? (tiers.length > 0 ? 'graduated' : 'per_unit') : SCHEMES[word]
    if (scheme === undefined) throw fields.fault('scheme', Object.keys(SCHEMES).join(', '))
    const amount =
      fields.amount(currency, unit, 'unit_amount', 'amount', 'price', 'flat_amount') ?? money(5000, currency)
    const price: Price = {
      id,
      product,
      code: fields.text('code') ?? id,
      name: fields.text('name', 'nickname') ?? id,
      group: fields.text('group', 'plan_group') ?? 'given',
      currency,
      interval: /^one_(time|off)$/i.test(fields.text('type') ?? '') ? null : (fields.interval() ?? MONTH),
      scheme,
      unitAmount: scheme === 'graduated' || scheme === 'volume' ? null : amount,
      tiers,
      usage: metered ? 'metered' : 'licensed',
      meter: metered ? this.#meterOf(fields, id) : null,
      billed: metered || fields.text('billing_type') === 'IN_ARREARS' ? 'arrears' : 'advance',
      active: true,
      metadata: fields.metadata(),
      createdAt: madeAt,
      updatedAt: madeAt,
    }
    this.prices.set(id, price)
    if (!this.products.has(product)) this.products.set(product, productOf(product, madeAt))
    return price
  }

  /**
   * The meter that usage is reported on. One that no price has is given to the metered price whose meter has no name yet,
   * or to a new price of nothing: a plan may count what it does not charge.
   */
  useMeter(name: string): void {
    if ([...this.meters.values()].some(({ id, code }) => id === name || code === name)) return
    const [unnamed] = this.#unnamed
    const meter = unnamed === undefined ? undefined : this.meters.get(unnamed)
    if (meter !== undefined) {
      this.#unnamed.delete(meter.id)
      this.meters.set(meter.id, { ...meter, code: name, name })
      return
    }
    this.addMeter(new StoryFields({ id: name }, `meter ${name}`))
    const [first] = this.prices.values()
    if (first === undefined) return
    this.prices.set(`price_${name}`, {
      ...first,
      id: `price_${name}`,
      code: `price_${name}`,
      name,
      scheme: 'per_unit',
      unitAmount: zero(first.currency),
      tiers: [],
      usage: 'metered',
      meter: name,
      billed: 'arrears',
    })
  }

  #meterOf(fields: StoryFields, price: string): string {
    const recurring = fields.object('recurring')
    const named = fields.text('meter', 'meter_id', 'feature_code') ?? recurring?.text('meter') ?? null
    const id = named ?? `meter_${price}`
    if (named === null) this.#unnamed.add(id)
    if (!this.meters.has(id)) this.addMeter(new StoryFields({ id }, `meter ${id}`))
    return id
  }

  #tiers(fields: StoryFields, currency: Currency): readonly PriceTier[] {
    return fields.objects('tiers').map((tier) => {
      const unit = this.#settings.words.amounts
      const last = tier.get('up_to') === 'inf'
      return {
        upTo: last ? null : tier.integer('up_to', 'upper_bound'),
        unitAmount: tier.amount(currency, unit, 'unit_amount', 'amount') ?? zero(currency),
        flatAmount: tier.amount(currency, unit, 'flat_amount'),
      }
    })
  }
}

function isMetered(fields: StoryFields): boolean {
  const recurring = fields.object('recurring')
  const usage = fields.text('usage', 'usage_type') ?? recurring?.text('usage_type') ?? null
  return usage === 'metered' || fields.boolean('metered') === true
}

function productOf(id: string, at: Product['createdAt']): Product {
  return {
    id,
    name: id,
    description: null,
    active: true,
    features: [],
    metadata: {},
    createdAt: at,
    updatedAt: at,
  }
}
