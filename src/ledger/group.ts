/** Which observations belong together: what links them, and the groups that the links make. */
import { isObject } from '../model/json.ts'
import type { ObjectKind } from '../model/objects.ts'
import type { Observation } from '../model/observations.ts'
import { isSaid } from './values.ts'

/** A thing that observations speak of. `alias` is another id of a payment; `key` a happening that names nothing else. */
export interface Node {
  readonly kind: Exclude<ObjectKind, 'payment_link'> | 'key'
  readonly id: string
}

/** The key of a node within one source, for a union-find in a store. */
export function nodeKey(node: Node): string {
  return `${node.kind}:${node.id}`
}

/**
 * All things of one source that an observation links: whoever keeps groups unites them. Two observations belong to one
 * subject if a chain of such links joins them, so that a link that comes late merges groups. Never empty.
 *
 * A payment's other id is a node of its kind, since providers name the same payment by either.
 */
export function referencesOf(observation: Observation): readonly Node[] {
  if (observation.kind === 'happening') {
    const { customer, subscription } = observation
    const nodes = [node('customer', customer), node('subscription', subscription)]
    if ('invoice' in observation) nodes.push(node('invoice', observation.invoice))
    if ('payment' in observation) nodes.push(node('payment', observation.payment))
    const said = nodes.filter((each) => each !== null)
    return said.length > 0 ? said : [{ kind: 'key', id: observation.key }]
  }
  const value: object = observation.kind === 'snapshot' ? observation.value : observation.fields
  const text = (name: string): string | null => {
    const member: unknown = Reflect.get(value, name)
    if (isObject(member)) return typeof member['id'] === 'string' ? member['id'] : null
    return typeof member === 'string' && isSaid(member) && member !== 'none' ? member : null
  }
  return namesOf(observation, text).filter((each) => each !== null)
}

function namesOf(
  observation: Exclude<Observation, { readonly kind: 'happening' }>,
  text: (name: string) => string | null,
): readonly (Node | null)[] {
  const { object, id } = observation
  switch (object) {
    case 'customer':
      return [node('customer', id)]
    case 'subscription':
      return [node('subscription', id), node('customer', text('customer')), node('invoice', text('latestInvoice'))]
    case 'invoice':
      return [node('invoice', id), node('customer', text('customer')), node('subscription', text('subscription'))]
    case 'payment':
      return [
        node('payment', id),
        node('payment', text('alias')),
        node('customer', text('customer')),
        node('subscription', text('subscription')),
        node('invoice', text('invoice')),
      ]
    case 'payment_link':
      return linkNodes(id, node('payment', text('payment')), node('invoice', text('invoice')))
    case 'checkout':
      return [
        node('checkout', id),
        node('customer', text('customer')),
        node('subscription', text('subscription')),
        node('invoice', text('invoice')),
      ]
  }
}

/** The link itself is a node too: two words about it belong together even if each names only one side. */
function linkNodes(id: string, payment: Node | null, invoice: Node | null): readonly (Node | null)[] {
  return [{ kind: 'key', id: `link:${id}` }, payment, invoice]
}

function node(kind: Node['kind'], id: string | null): Node | null {
  return id === null || id === '' ? null : { kind, id }
}

/**
 * The groups of a set of observations: the same as a store's union-find makes, for tests, the lab and small sets.
 * Groups and their members keep the order in which they were given.
 */
export function groupsOf(observations: readonly Observation[]): readonly (readonly Observation[])[] {
  const parents = new Map<string, string>()
  const rootOf = (key: string): string => {
    let root = key
    for (let parent = parents.get(root); parent !== undefined && parent !== root; parent = parents.get(root)) {
      root = parent
    }
    parents.set(key, root)
    return root
  }
  const keys = observations.map((observation) => referencesOf(observation).map(nodeKey))
  for (const linked of keys) {
    const [first, ...others] = linked
    if (first === undefined) continue
    for (const other of others) parents.set(rootOf(other), rootOf(first))
  }
  const groups = new Map<string, Observation[]>()
  observations.forEach((observation, index) => {
    const root = rootOf(keys[index]?.[0] ?? '')
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [observation])
    else group.push(observation)
  })
  return [...groups.values()]
}
