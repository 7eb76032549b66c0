/** Products, prices and meters of an account. */
import type { CatalogCommand } from '../model/commands.ts'
import { requireCurrency } from '../model/currency.ts'
import { NO_ENTITIES } from '../model/entities.ts'
import type { Entities, EntityKind, Meter, Price, PriceTier, Product } from '../model/entities.ts'
import { isBillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { Catalog, CatalogDecision, Context, Telling } from './state.ts'
import { lookup, refuse } from './step.ts'

/** What the catalogue's engine may look at. */
export type CatalogContext = Pick<Context, 'at' | 'account' | 'livemode' | 'profile' | 'mint' | 'request'>

/** More tiers than this in one price are nobody's plan. */
const MAX_TIERS = 100

/** What a command does to the account's catalogue. Pure, like the customers' `decide`. */
export function decideCatalog(command: CatalogCommand, catalog: Catalog, context: CatalogContext): CatalogDecision {
  try {
    return apply(command, catalog, context)
  } catch (error) {
    if (!isBillhookError(error) || error.code === 'internal_invariant') throw error
    const field = error.details['field']
    return { ok: false, code: error.code, message: error.message, field: typeof field === 'string' ? field : null }
  }
}

function apply(command: CatalogCommand, catalog: Catalog, context: CatalogContext): CatalogDecision {
  switch (command.kind) {
    case 'product.create':
    case 'product.update': {
      const product =
        command.kind === 'product.create'
          ? newProduct(command, catalog, context)
          : editProduct(command, catalog, context)
      const next = { ...catalog, products: { ...catalog.products, [product.id]: product } }
      return decided(context, next, { kind: 'product', before: lookup(catalog.products, product.id), after: product })
    }
    case 'price.create':
    case 'price.update': {
      const price =
        command.kind === 'price.create' ? newPrice(command, catalog, context) : editPrice(command, catalog, context)
      const next = { ...catalog, prices: { ...catalog.prices, [price.id]: price } }
      return decided(context, next, { kind: 'price', before: lookup(catalog.prices, price.id), after: price })
    }
    case 'meter.create':
    case 'meter.update': {
      const meter =
        command.kind === 'meter.create' ? newMeter(command, catalog, context) : editMeter(command, catalog, context)
      const next = { ...catalog, meters: { ...catalog.meters, [meter.id]: meter } }
      return decided(context, next, { kind: 'meter', before: lookup(catalog.meters, meter.id), after: meter })
    }
  }
}

type Command<K extends CatalogCommand['kind']> = Extract<CatalogCommand, { readonly kind: K }>

/** An entity of the catalogue before and after. */
type Changed =
  | { readonly kind: 'product'; readonly before: Product | null; readonly after: Product }
  | { readonly kind: 'price'; readonly before: Price | null; readonly after: Price }
  | { readonly kind: 'meter'; readonly before: Meter | null; readonly after: Meter }

const CREATED = { product: 'product_created', price: 'price_created', meter: 'meter_created' } as const
const UPDATED = { product: 'product_updated', price: 'price_updated', meter: 'meter_updated' } as const

/** The product that a change is about; null for meters. */
function productOf(catalog: Catalog, changed: Changed): Product | null {
  if (changed.kind === 'product') return changed.after
  return changed.kind === 'price' ? lookup(catalog.products, changed.after.product) : null
}

function decided(context: CatalogContext, catalog: Catalog, changed: Changed): CatalogDecision {
  const { at, account, livemode, request, profile } = context
  const kind = changed.before === null ? CREATED[changed.kind] : UPDATED[changed.kind]
  const told = { kind, at, customer: null, subscription: null, subject: changed.after.id }
  const product = productOf(catalog, changed)
  const telling: Telling = {
    told,
    view: {
      account,
      livemode,
      before: entities(changed, changed.before === null),
      after: { ...entities({ ...changed, before: null }, true), ...shown(changed) },
      prices: changed.kind === 'price' ? { [changed.after.id]: changed.after } : {},
      products: product === null ? {} : { [product.id]: product },
      paymentMethods: {},
      attempted: null,
      attemptedInvoice: null,
      request,
      switches: profile.switches,
    },
  }
  return { ok: true, tellings: [telling], catalog, subject: { kind: changed.kind, id: changed.after.id } }
}

function entities(changed: Changed, isNew: boolean): Entities {
  if (isNew) return NO_ENTITIES
  switch (changed.kind) {
    case 'product':
      return { ...NO_ENTITIES, product: changed.before }
    case 'price':
      return { ...NO_ENTITIES, price: changed.before }
    case 'meter':
      return { ...NO_ENTITIES, meter: changed.before }
  }
}

function shown(changed: Changed): Partial<Entities> {
  switch (changed.kind) {
    case 'product':
      return { product: changed.after }
    case 'price':
      return { price: changed.after }
    case 'meter':
      return { meter: changed.after }
  }
}

function newId(
  context: CatalogContext,
  kind: EntityKind,
  id: string | null,
  known: Readonly<Record<string, unknown>>,
): string {
  const wanted = id ?? context.mint(kind)
  if (lookup(known, wanted) !== null) refuse('conflict', `${kind} ${wanted} already exists`, 'id')
  return wanted
}

function stamps(at: Instant): { readonly createdAt: Instant; readonly updatedAt: Instant } {
  return { createdAt: at, updatedAt: at }
}

function newProduct(command: Command<'product.create'>, catalog: Catalog, context: CatalogContext): Product {
  const { name, description, features, metadata } = command
  const id = newId(context, 'product', command.id, catalog.products)
  return { id, name, description, active: true, features, metadata: metadata ?? {}, ...stamps(context.at) }
}

function editProduct(command: Command<'product.update'>, catalog: Catalog, { at }: CatalogContext): Product {
  const known = lookup(catalog.products, command.id) ?? refuse('not_found', `no product has the id ${command.id}`, 'id')
  return {
    ...known,
    name: command.name ?? known.name,
    description: command.description === undefined ? known.description : command.description,
    features: command.features ?? known.features,
    active: command.active ?? known.active,
    metadata: command.metadata ?? known.metadata,
    updatedAt: at,
  }
}

function newPrice(command: Command<'price.create'>, catalog: Catalog, context: CatalogContext): Price {
  const { code, scheme, usage, interval } = command
  const id = newId(context, 'price', command.id, catalog.prices)
  if (lookup(catalog.products, command.product) === null)
    refuse('not_found', `no product has the id ${command.product}`, 'product')
  if (code !== null && Object.values(catalog.prices).some((price) => price.code === code))
    refuse('conflict', `a price with the code ${code} already exists`, 'code')
  const currency = requireCurrency(command.currency)
  if (interval !== null && (!Number.isInteger(interval.count) || interval.count < 1 || interval.count > 1000))
    refuse('invalid_request', `interval count ${interval.count} is not a whole number from 1 to 1000`, 'interval')
  if (usage === 'metered' && interval === null)
    refuse('invalid_request', 'a metered price needs an interval', 'interval')
  requireAmounts(command, currency)
  return {
    id,
    product: command.product,
    code,
    name: command.name,
    group: command.group,
    currency,
    interval,
    scheme,
    unitAmount: command.unitAmount,
    tiers: command.tiers,
    usage,
    meter: usage === 'metered' ? meterId(catalog, command.meter) : null,
    billed: usage === 'metered' ? 'arrears' : (command.billed ?? 'advance'),
    active: true,
    metadata: command.metadata ?? {},
    ...stamps(context.at),
  }
}

function meterId(catalog: Catalog, wanted: string | null): string {
  const meter =
    lookup(catalog.meters, wanted) ??
    Object.values(catalog.meters).find((meter) => meter.code === wanted && wanted !== null)
  return meter?.id ?? refuse('not_found', `no meter has the id or code ${wanted ?? ''}`, 'meter')
}

function requireAmounts(command: Command<'price.create'>, currency: string): void {
  const { scheme, unitAmount, tiers } = command
  if (scheme === 'flat' || scheme === 'per_unit') {
    if (unitAmount === null) return refuse('invalid_request', `a ${scheme} price needs an amount`, 'unitAmount')
    if (unitAmount.currency !== currency)
      refuse('currency_mismatch', `an amount in ${unitAmount.currency} of a price in ${currency}`, 'unitAmount')
    if (unitAmount.minor < 0n) refuse('invalid_money', 'a price is not less than nothing', 'unitAmount')
    return
  }
  if (tiers.length === 0 || tiers.length > MAX_TIERS)
    refuse('invalid_request', `a ${scheme} price has from 1 to ${MAX_TIERS} tiers`, 'tiers')
  requireTiers(tiers, currency)
}

function requireTiers(tiers: readonly PriceTier[], currency: string): void {
  let floor = 0
  for (const [index, tier] of tiers.entries()) {
    const isLast = index === tiers.length - 1
    if ((tier.upTo === null) !== isLast)
      refuse('invalid_request', 'the last tier, and only it, has no upper end', 'tiers')
    if (tier.upTo !== null && (!Number.isInteger(tier.upTo) || tier.upTo <= floor))
      refuse('invalid_request', `tier ${index} ends at ${tier.upTo}, not above ${floor}`, 'tiers')
    floor = tier.upTo ?? floor
    for (const amount of [tier.unitAmount, tier.flatAmount]) {
      if (amount === null) continue
      if (amount.currency !== currency)
        refuse('currency_mismatch', `an amount in ${amount.currency} of a price in ${currency}`, 'tiers')
      if (amount.minor < 0n) refuse('invalid_money', 'a price is not less than nothing', 'tiers')
    }
  }
}

function editPrice(command: Command<'price.update'>, catalog: Catalog, { at }: CatalogContext): Price {
  const known = lookup(catalog.prices, command.id) ?? refuse('not_found', `no price has the id ${command.id}`, 'id')
  return {
    ...known,
    name: command.name === undefined ? known.name : command.name,
    active: command.active ?? known.active,
    metadata: command.metadata ?? known.metadata,
    updatedAt: at,
  }
}

function newMeter(command: Command<'meter.create'>, catalog: Catalog, context: CatalogContext): Meter {
  const { code, name, aggregation } = command
  const id = newId(context, 'meter', command.id, catalog.meters)
  if (Object.values(catalog.meters).some((meter) => meter.code === code))
    refuse('conflict', `a meter with the code ${code} already exists`, 'code')
  return { id, code, name, aggregation, active: true, ...stamps(context.at) }
}

function editMeter(command: Command<'meter.update'>, catalog: Catalog, { at }: CatalogContext): Meter {
  const known = lookup(catalog.meters, command.id) ?? refuse('not_found', `no meter has the id ${command.id}`, 'id')
  return { ...known, name: command.name ?? known.name, active: command.active ?? known.active, updatedAt: at }
}
