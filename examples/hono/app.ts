/** Hono, and everything else that speaks web-standard requests: hand the raw request over, unread. */
import { Hono } from 'hono'
import type { Receiver } from 'billhook/receiver'

export function createHonoApp(receiver: Receiver): Hono {
  const app = new Hono()
  const billing = receiver.handler('main')

  app.post('/webhooks/billing', (context) => billing(context.req.raw))

  // The trap: somebody has read the body. The receiver refuses with the reason body_not_raw.
  app.post('/webhooks/too-late', async (context) => {
    await context.req.json()
    return billing(context.req.raw)
  })

  app.get('/export/:user', async (context) => {
    const access = await receiver.access(context.req.param('user'))
    if (!access.allowed) return context.json({ why: access.why.map(({ words }) => words) }, 402)
    return context.json({ rows: [] })
  })
  return app
}
