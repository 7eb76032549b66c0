/** The table of commands about the catalogue: products, prices, meters. */
import { z } from 'zod'
import { commandRoute } from './billing_command_route.ts'
import type { CommandRoute } from './billing_command_route.ts'
import {
  currencyIn,
  idOrMinted,
  idText,
  intervalIn,
  metadataIn,
  moneyIn,
  nameOrNull,
  nameText,
} from '../billing_schemas.ts'

const tag = 'Catalogue'
const description = z.string().max(2000).nullable()
const features = z.array(idText).max(500).describe('Feature keys that it includes.')
const code = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,100}$/, 'must have 1 to 100 letters, digits or _ . -')
  .describe('A name for use in code, unique in the account.')

const tierIn = z.strictObject({
  up_to: z.number().positive().nullable().describe('Null in the last tier.'),
  unit_amount: moneyIn,
  flat_amount: moneyIn.nullable().default(null),
})

/** Products, prices and meters. */
export const catalogCommands: readonly CommandRoute[] = [
  commandRoute({
    method: 'POST',
    path: '/products',
    id: 'createProduct',
    summary: 'Create a product',
    tag,
    body: z.strictObject({
      id: idOrMinted,
      name: nameText,
      description: description.default(null),
      features: features.default([]),
      metadata: metadataIn.optional(),
    }),
    shows: 'product',
    command: (rest) => ({ catalog: { kind: 'product.create', ...rest } }),
  }),
  commandRoute({
    method: 'PATCH',
    path: '/products/:id',
    id: 'updateProduct',
    summary: 'Change a product',
    tag,
    body: z.strictObject({
      name: nameText.optional(),
      description: description.optional(),
      features: features.optional(),
      active: z.boolean().optional(),
      metadata: metadataIn.optional(),
    }),
    shows: 'product',
    command: (rest, id) => ({ catalog: { kind: 'product.update', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/prices',
    id: 'createPrice',
    summary: 'Create a price (plan)',
    tag,
    body: z.strictObject({
      id: idOrMinted,
      product: idText,
      code: code.nullable().default(null),
      name: nameOrNull,
      group: idText.nullable().default(null).describe('Prices of one group replace each other; null: the product.'),
      currency: currencyIn,
      interval: intervalIn.nullable().default(null).describe('Null: one-off.'),
      scheme: z.enum(['flat', 'per_unit', 'graduated', 'volume']).default('per_unit'),
      unit_amount: moneyIn
        .nullable()
        .default(null)
        .describe('The price of one unit, or of all units for `flat`; null for tiers.'),
      tiers: z.array(tierIn).max(100).default([]),
      usage: z.enum(['licensed', 'metered']).default('licensed'),
      meter: idText.nullable().default(null),
      billed: z.enum(['advance', 'arrears']).nullable().default(null),
      metadata: metadataIn.optional(),
    }),
    shows: 'price',
    command: (rest) => ({ catalog: { kind: 'price.create', ...rest } }),
  }),
  commandRoute({
    method: 'PATCH',
    path: '/prices/:id',
    id: 'updatePrice',
    summary: 'Change a price’s name or metadata, or take it off sale',
    tag,
    body: z.strictObject({
      name: nameText.nullable().optional(),
      active: z.boolean().optional(),
      metadata: metadataIn.optional(),
    }),
    shows: 'price',
    command: (rest, id) => ({ catalog: { kind: 'price.update', id, ...rest } }),
  }),
  commandRoute({
    method: 'POST',
    path: '/meters',
    id: 'createMeter',
    summary: 'Create a meter',
    tag,
    body: z.strictObject({
      id: idOrMinted,
      code,
      name: nameText,
      aggregation: z.enum(['sum', 'last', 'max', 'count']).default('sum'),
    }),
    shows: 'meter',
    command: (rest) => ({ catalog: { kind: 'meter.create', ...rest } }),
  }),
  commandRoute({
    method: 'PATCH',
    path: '/meters/:id',
    id: 'updateMeter',
    summary: 'Change a meter',
    tag,
    body: z.strictObject({ name: nameText.optional(), active: z.boolean().optional() }),
    shows: 'meter',
    command: (rest, id) => ({ catalog: { kind: 'meter.update', id, ...rest } }),
  }),
]
