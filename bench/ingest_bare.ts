/**
 * The bare limit of the ingest benchmark, in a process of its own: a `node:http` server that reads the body, checks its
 * HMAC, and answers. It stores nothing. A GET is answered at once.
 *
 *     node bench/ingest_bare.ts <secrets as JSON>
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

const { stamped, plain } = JSON.parse(process.argv[2] ?? '{}') as { readonly stamped: string; readonly plain: string }

/** Both ways in which the deliveries are signed: over a time and the body, over the body alone. */
function isSigned({ headers }: IncomingMessage, body: Buffer): boolean {
  const signature = headers['stripe-signature']
  if (typeof signature === 'string') {
    const [, time = '', value = ''] = /t=(\d+),v1=([0-9a-f]+)/.exec(signature) ?? []
    return same(createHmac('sha256', stamped).update(`${time}.`).update(body).digest(), value)
  }
  return same(createHmac('sha256', plain).update(body).digest(), String(headers['x-razorpay-signature']))
}

function same(made: Buffer, given: string): boolean {
  const bytes = Buffer.from(given, 'hex')
  return bytes.length === made.length && timingSafeEqual(bytes, made)
}

const server = createServer({ noDelay: true, keepAliveTimeout: 75_000 }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const ok = request.method === 'GET' || isSigned(request, Buffer.concat(chunks))
    const text = ok ? '{"received":true}' : '{"received":false}'
    response.writeHead(ok ? 200 : 400, { 'content-type': 'application/json', 'content-length': text.length })
    response.end(text)
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: '' })
})
process.on('message', (message) => {
  if (message === 'usage') process.send?.({ ...process.resourceUsage(), ...process.memoryUsage() })
  if (message === 'backlog') process.send?.({ backlog: 0 })
  if (message === 'stop') process.exit(0)
})
process.on('disconnect', () => process.exit(0))
