import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that reached the sink, with the exact bytes of its body. */
export interface Arrival {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly at: number
}

/** A real HTTP server on 127.0.0.1 that receives deliveries and answers as the test wants. */
export interface Sink extends AsyncDisposable {
  readonly url: string
  readonly arrivals: Arrival[]
  /** Waits until `count` requests have arrived. */
  received(count: number): Promise<readonly Arrival[]>
  /** How requests are answered from now on: a status, or a function that answers. */
  answer: number | ((arrival: Arrival, response: ServerResponse, request: IncomingMessage) => void)
}

export async function openSink(answer: Sink['answer'] = 200): Promise<Sink> {
  const waiting: { count: number; resolve: () => void }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const arrival = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks), at: Date.now() }
      sink.arrivals.push(arrival)
      if (typeof sink.answer === 'number') response.writeHead(sink.answer).end()
      else sink.answer(arrival, response, request)
      for (const waiter of waiting) if (sink.arrivals.length >= waiter.count) waiter.resolve()
    })
    request.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const sink: Sink = {
    url: `http://127.0.0.1:${port}/hook`,
    arrivals: [],
    answer,
    async received(count) {
      if (sink.arrivals.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }))
      return sink.arrivals
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return sink
}
