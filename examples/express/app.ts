/** Express. The webhook route stands before `express.json()`: signatures are made over the raw bytes of the body. */
import express from 'express'
import type { Express } from 'express'
import type { Receiver } from 'billhook/receiver'

export function createExpressApp(receiver: Receiver): Express {
  const app = express()

  // Either: before every body parser, so that the receiver reads the bytes itself.
  app.post('/webhooks/billing', receiver.nodeHandler('main'))

  // Or, where a parser must come first: one that keeps the bytes.
  app.post('/webhooks/raw', express.raw({ type: '*/*' }), receiver.nodeHandler('main'))

  app.use(express.json())

  // The trap: here the body was parsed already. The receiver refuses with the reason body_not_raw.
  app.post('/webhooks/too-late', receiver.nodeHandler('main'))

  app.get('/export/:user', async (request, response) => {
    const access = await receiver.access(request.params.user)
    if (!access.allowed) response.status(402).json({ why: access.why.map(({ words }) => words) })
    else response.json({ rows: [] })
  })
  return app
}
