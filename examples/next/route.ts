/**
 * A Next.js route handler, `app/api/webhooks/billing/route.ts`. Route handlers are given a web-standard request whose
 * body nobody has read. The receiver needs Node.js and one instance for all requests.
 */
import type { Receiver } from 'billhook/receiver'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

/** In an application: `export const { POST } = createRoute(await createReceiver({ … }))`. */
export function createRoute(receiver: Receiver): { readonly POST: (request: Request) => Promise<Response> } {
  return { POST: receiver.handler('main') }
}
