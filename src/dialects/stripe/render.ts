import type { EntityValues } from '../../model/entities.ts'
import type { JsonObject } from '../../model/json.ts'
import { ordered } from './layout.ts'
import type { Printing } from './print.ts'
import { printCheckout, printCustomer, printMeter, printPaymentMethod, printTestClock } from './print_customer.ts'
import { printInvoice, printInvoiceItem } from './print_invoice.ts'
import { printPaymentIntent, printRefund } from './print_payment.ts'
import { printPrice, printProduct } from './print_price.ts'
import { printSubscription } from './print_subscription.ts'

type Printers = {
  readonly [K in keyof EntityValues]: ((entity: EntityValues[K], printing: Printing) => JsonObject) | null
}

/** What the Retrieve API answers for each kind of entity; usage has no object of its own. */
const PRINTERS: Printers = {
  customer: printCustomer,
  product: printProduct,
  price: printPrice,
  payment_method: printPaymentMethod,
  subscription: printSubscription,
  invoice: printInvoice,
  invoice_item: printInvoiceItem,
  payment: printPaymentIntent,
  refund: printRefund,
  checkout: printCheckout,
  meter: printMeter,
  usage: null,
  clock: printTestClock,
}

/** An entity as the Retrieve API of this version answers it: what stands in its events, in the same order. */
export function renderEntity<K extends keyof EntityValues>(
  kind: K,
  entity: EntityValues[K],
  printing: Printing,
): JsonObject | null {
  const printer = PRINTERS[kind]
  return printer === null ? null : ordered(printer(entity, printing))
}
