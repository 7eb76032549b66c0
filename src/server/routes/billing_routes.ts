import type { App } from '../../app/create.ts'
import { MAIN_ACCOUNT } from '../../app/create.ts'
import { createSendingService } from '../../app/sending/sending_service.ts'
import type { SendingService } from '../../app/sending/sending_service.ts'
import { inApiNames } from '../billing_names.ts'
import { accountRoutes, billingLogRoutes, clockRoutes } from './billing_accounts.ts'
import { catalogCommands } from './billing_catalog.ts'
import { customerCommands, subscriptionCommands } from './billing_customers.ts'
import { checkoutCommands, invoiceCommands, paymentCommands, usageCommands } from './billing_invoices.ts'
import { objectRoutes } from './billing_objects.ts'
import { endpointActionRoutes, endpointRoutes } from './delivery_endpoints.ts'
import { deliverySearchRoutes, eventRoutes, publishRoutes } from './delivery_events.ts'
import { replayRoutes, signingKeyRoutes } from './delivery_replays.ts'
import type { Route } from '../route.ts'

/** All routes of the sending end; none if it does not run in this process. */
export function sendingRoutes({ sending, core, keys, config }: App): readonly Route[] {
  if (sending === null) return []
  const service = createSendingService({
    sending,
    clock: core.clock,
    keys,
    operatorAccount: MAIN_ACCOUNT,
    paymentSecret: config.payments?.secret ?? null,
  })
  return [...billingRoutes(service), ...deliveringRoutes(service)].map(withApiNames)
}

/** Refusals name fields as the API does, not as the model. */
function withApiNames(route: Route): Route {
  return {
    ...route,
    run: async (input, caller) => {
      try {
        return await route.run(input, caller)
      } catch (error) {
        throw inApiNames(error)
      }
    },
  }
}

/** The billing system over HTTP: accounts, clocks, commands, reading. */
function billingRoutes(service: SendingService): readonly Route[] {
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
    ...accountRoutes(service),
    ...clockRoutes(service),
    ...commands.map((command) => command(service)),
    ...objectRoutes(service),
    ...billingLogRoutes(service),
  ]
}

/** The delivery engine over HTTP: endpoints, events, deliveries, replays, keys. */
function deliveringRoutes(service: SendingService): readonly Route[] {
  return [
    ...endpointRoutes(service),
    ...endpointActionRoutes(service),
    ...publishRoutes(service),
    ...eventRoutes(service),
    ...deliverySearchRoutes(service),
    ...replayRoutes(service),
    ...signingKeyRoutes(service),
  ]
}
