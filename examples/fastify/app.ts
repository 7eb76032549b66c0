/** Fastify. Its JSON parser is replaced inside one plugin, so that the rest of the application keeps it. */
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { Receiver } from 'billhook/receiver'

export function createFastifyApp(receiver: Receiver): FastifyInstance {
  const app = fastify()

  app.register(async (webhooks) => {
    webhooks.removeAllContentTypeParsers()
    webhooks.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    webhooks.post('/webhooks/billing', async (request, reply) => {
      const { status, body } = await receiver.receive({ source: 'main', headers: request.headers, body: request.body })
      return reply.status(status).send(body)
    })
  })

  // The trap: outside the plugin Fastify has parsed the body. The receiver refuses with the reason body_not_raw.
  app.post('/webhooks/too-late', async (request, reply) => {
    const { status, body } = await receiver.receive({ source: 'main', headers: request.headers, body: request.body })
    return reply.status(status).send(body)
  })

  app.get<{ Params: { user: string } }>('/export/:user', async (request, reply) => {
    const access = await receiver.access(request.params.user)
    if (!access.allowed) return reply.status(402).send({ why: access.why.map(({ words }) => words) })
    return { rows: [] }
  })
  return app
}
