import type { SendingDesk } from '../app/sending_desk.ts'
import { accountRoutes, billingLogRoutes, clockRoutes } from './billing_accounts.ts'
import { catalogCommands } from './billing_catalog.ts'
import { customerCommands, subscriptionCommands } from './billing_customers.ts'
import { checkoutCommands, invoiceCommands, paymentCommands, usageCommands } from './billing_invoices.ts'
import { objectRoutes } from './billing_objects.ts'
import type { Route } from './route.ts'

/** The billing system over HTTP: accounts, clocks, commands, reading. */
export function billingRoutes(desk: SendingDesk): readonly Route[] {
  const commands = [
    ...catalogCommands,
    ...customerCommands,
    ...subscriptionCommands,
    ...invoiceCommands,
    ...paymentCommands,
    ...checkoutCommands,
    ...usageCommands,
  ]
  return [
    ...accountRoutes(desk),
    ...clockRoutes(desk),
    ...commands.map((command) => command(desk)),
    ...objectRoutes(desk),
    ...billingLogRoutes(desk),
  ]
}
