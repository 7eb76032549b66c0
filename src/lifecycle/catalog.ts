import type { CatalogCommand } from '../model/commands.ts'
import { BillhookError } from '../model/error.ts'
import type { Catalog, CatalogDecision, Context } from './state.ts'

/** What a command does to the account's catalogue. Pure, like the customers' `decide`. */
export function decideCatalog(
  command: CatalogCommand,
  catalog: Catalog,
  context: Omit<Context, 'catalog' | 'profile' | 'gatekeepers'> & Pick<Context, 'profile'>,
): CatalogDecision {
  throw new BillhookError('internal_invariant', `not written yet: ${command.kind} ${context.at}`, {
    details: { products: Object.keys(catalog.products).length },
  })
}
