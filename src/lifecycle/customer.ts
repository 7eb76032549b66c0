/** Customers and their payment methods. */
import type { CustomerCommand, CustomerFields, MethodChoice, PaymentMethodInput } from '../model/commands.ts'
import type { Customer, PaymentMethod } from '../model/entities.ts'
import { endNow } from './end.ts'
import { isLive, requireCustomer } from './lookup.ts'
import { lookup, put, refuse, tell } from './step.ts'
import type { Step } from './step.ts'

/** @throws BillhookError `conflict`, `not_found`, `invalid_transition` */
export function decideCustomer(step: Step, command: CustomerCommand): void {
  switch (command.kind) {
    case 'customer.create':
      createCustomer(step, command.fields)
      if (command.method !== null) attach(step, command.method, true)
      break
    case 'customer.update':
      updateCustomer(step, requireCustomer(step), command.fields)
      break
    case 'customer.delete':
      deleteCustomer(step, requireCustomer(step))
      break
    case 'customer.set_default_payment_method':
      requireCustomer(step)
      takeMethod(step, command.method, true)
      break
    case 'payment_method.attach':
      requireCustomer(step)
      step.subject = { kind: 'payment_method', id: attach(step, command.method, command.makeDefault).id }
      return
    case 'payment_method.detach':
      detach(step, command.id)
      step.subject = { kind: 'payment_method', id: command.id }
      return
    case 'payment_method.script':
      script(step, command)
      return
  }
  step.subject = { kind: 'customer', id: step.state.id }
}

function createCustomer(step: Step, fields: CustomerFields): Customer {
  if (step.state.customer !== null) refuse('conflict', `customer ${step.state.id} already exists`, 'id')
  const { at } = step.context
  const customer: Customer = {
    id: step.state.id,
    type: fields.type ?? 'user',
    name: fields.name ?? null,
    email: fields.email ?? null,
    phone: fields.phone ?? null,
    user: fields.user ?? null,
    currency: null,
    defaultPaymentMethod: null,
    metadata: fields.metadata ?? {},
    invoiceCount: 0,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  }
  tell(step, { kind: 'customer_created', subject: customer.id }, { customer })
  return customer
}

/** The customer, made now if this is the first that is heard of them. */
export function ensureCustomer(step: Step, fields: CustomerFields): Customer {
  return step.state.customer === null ? createCustomer(step, fields) : requireCustomer(step)
}

function updateCustomer(step: Step, customer: Customer, fields: CustomerFields): void {
  const next: Customer = {
    ...customer,
    type: fields.type ?? customer.type,
    name: fields.name === undefined ? customer.name : fields.name,
    email: fields.email === undefined ? customer.email : fields.email,
    phone: fields.phone === undefined ? customer.phone : fields.phone,
    user: fields.user === undefined ? customer.user : fields.user,
    metadata: fields.metadata ?? customer.metadata,
    updatedAt: step.context.at,
  }
  tell(step, { kind: 'customer_updated', subject: next.id }, { customer: next })
}

function deleteCustomer(step: Step, customer: Customer): void {
  for (const subscription of Object.values(step.state.subscriptions)) {
    if (isLive(subscription)) endNow(step, subscription, { by: 'admin', reason: 'customer_deleted', superseded: false })
  }
  const { at } = step.context
  const gone = { ...(step.state.customer ?? customer), deletedAt: at, updatedAt: at }
  tell(step, { kind: 'customer_deleted', subject: gone.id }, { customer: gone })
}

/**
 * A method that the customer has, or a new one that is attached; it becomes the default if that is asked for.
 *
 * @throws BillhookError `not_found`
 */
export function takeMethod(step: Step, choice: MethodChoice, makeDefault: boolean): PaymentMethod {
  if ('attach' in choice) return attach(step, choice.attach, makeDefault)
  const method = requireMethod(step, choice.id)
  if (makeDefault) setDefault(step, method)
  return method
}

/** @throws BillhookError `not_found`, `invalid_transition` */
export function requireMethod(step: Step, id: string): PaymentMethod {
  const method = lookup(step.state.paymentMethods, id)
  if (method === null) return refuse('not_found', `the customer has no payment method ${id}`, 'method')
  if (method.detachedAt !== null) return refuse('invalid_transition', `payment method ${id} is detached`, 'method')
  return method
}

function attach(step: Step, input: PaymentMethodInput, makeDefault: boolean): PaymentMethod {
  const id = input.id ?? step.context.mint('payment_method')
  if (lookup(step.state.paymentMethods, id) !== null)
    refuse('conflict', `payment method ${id} is attached already`, 'method')
  const method: PaymentMethod = { ...input, id, customer: step.state.id, createdAt: step.context.at, detachedAt: null }
  tell(step, { kind: 'payment_method_attached', subject: id }, { payment_method: method })
  if (makeDefault || step.state.customer?.defaultPaymentMethod === null) setDefault(step, method)
  return method
}

function setDefault(step: Step, method: PaymentMethod): void {
  const { customer } = step.state
  if (customer === null || customer.defaultPaymentMethod === method.id) return
  const next = { ...customer, defaultPaymentMethod: method.id, updatedAt: step.context.at }
  tell(step, { kind: 'customer_updated', subject: next.id }, { customer: next, payment_method: method })
}

function detach(step: Step, id: string): void {
  const method = requireMethod(step, id)
  const { at } = step.context
  const gone = { ...method, detachedAt: at }
  tell(step, { kind: 'payment_method_detached', subject: id }, { payment_method: gone })
  const { customer } = step.state
  if (customer === null || customer.defaultPaymentMethod !== id) return
  const next = { ...customer, defaultPaymentMethod: null, updatedAt: at }
  tell(step, { kind: 'customer_updated', subject: next.id }, { customer: next })
}

function script(step: Step, command: Extract<CustomerCommand, { kind: 'payment_method.script' }>): void {
  const id = command.id ?? step.state.customer?.defaultPaymentMethod ?? null
  if (id === null) return refuse('not_found', 'the customer has no payment method', 'id')
  const method = requireMethod(step, id)
  const next = {
    ...method,
    behavior: command.behavior ?? method.behavior,
    script: command.script ?? method.script,
  }
  put(step, { payment_method: next })
  step.subject = { kind: 'payment_method', id }
}
