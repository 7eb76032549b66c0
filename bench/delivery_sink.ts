/**
 * The receiving side of the delivery benchmark, in a process of its own: answers 200, and tells how long each event took
 * from its publishing (a time of the machine's monotonic clock in its body) to its arrival.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

let latencies: number[] = []
let count = 0

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    // Paths below /dead never answer.
    if (request.url?.startsWith('/dead') === true) return
    const now = Number(process.hrtime.bigint()) / 1e6
    const at = /"t":([\d.]+)/.exec(Buffer.concat(chunks).toString('latin1'))?.[1]
    if (at !== undefined) latencies.push(now - Number(at))
    count += 1
    response.writeHead(200).end()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', (message) => {
  if (message === 'reset') {
    latencies = []
    count = 0
    process.send?.({ reset: true })
  }
  if (message === 'count') process.send?.({ count })
  if (message === 'report') process.send?.({ latencies, count })
})
process.on('disconnect', () => process.exit(0))
