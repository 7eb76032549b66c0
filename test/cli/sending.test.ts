import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { billed, START, wanted } from '../support/billed.ts'
import { cli } from '../support/cli.ts'
import { openSink } from '../support/sink.ts'

describe('The commands of the sending end', () => {
  it('make accounts, register endpoints, publish, move a clock and say what became of it', async () => {
    await using sink = await openSink()
    await using bench = await billed({ begin: false })
    const { served } = bench
    const env = { BILLHOOK_URL: served.server.url, BILLHOOK_API_KEY: served.key }
    const run = async (...args: string[]) => {
      const { code, out, err } = await cli(args, env)
      expect([args.join(' '), code, err]).toEqual([args.join(' '), 0, ''])
      return out
    }
    const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'))

    const made = await json('accounts', 'create', 'Shop', '--dialect', 'kinde', '--clock', START, '--id', 'shop')
    expect(made).toMatchObject({ id: 'shop', dialect: 'kinde', clock: { now: START } })
    expect(await run('accounts', 'list')).toMatch(/^acme\tstandard\tAcme\t.*\nmain\t.*\nshop\tkinde\tShop\t/)
    expect(await run('accounts', 'update', 'shop', '--name', 'Shop Ltd')).toContain('name\tShop Ltd\n')
    expect(await run('accounts', 'show', 'shop')).toContain('name\tShop Ltd\n')

    const acme = ['--account', 'acme']
    const endpoint = await json('endpoints', 'create', sink.url, '--dialect', 'standard', '--type', 'order.*', ...acme)
    expect(endpoint).toMatchObject({
      state: 'enabled',
      secret: expect.stringMatching(/^whsec_/),
      event_types: ['order.*'],
    })
    const { id } = endpoint
    expect(await run('endpoints', 'list', ...acme)).toBe(`${id}\tenabled\tstandard\t${sink.url}\t["order.*"]\n`)
    expect(await run('endpoints', 'pause', id, ...acme)).toContain('state\tpaused\n')
    expect(await run('endpoints', 'enable', id, ...acme)).toContain('state\tenabled\n')
    expect((await json('endpoints', 'rotate-secret', id, ...acme)).secret).not.toBe(endpoint.secret)
    expect(await run('endpoints', 'types', '--dialect', 'razorpay', ...acme)).toContain('subscription.charged\t')

    const file = join(tmpdir(), `billhook-publish-${process.pid}.json`)
    writeFileSync(file, '{"order":7}')
    const published = await json('publish', 'order.paid', `@${file}`, '--key', 'o7', '--customer', 'ada', ...acme)
    expect(published).toMatchObject({ type: 'order.paid', deliveries: 1 })
    expect(await json('publish', 'order.paid', '{"order":7}', '--key', 'o7', '--customer', 'ada', ...acme)).toEqual(
      published,
    )
    await json('endpoints', 'test', id, '--type', 'invoice.paid', ...acme)

    expect(await run('clocks', 'show', 'acme')).toBe(
      `${START}\tready\nnext at ${START}:\n  delivery\torder.paid\tada ${published.event} ${id}\n` +
        `  delivery\tinvoice.paid\t${(await bench.get('/events?type=invoice.paid')).body.data[0].id} ${id}\n`,
    )
    expect(await run('clocks', 'advance', 'acme', '--next')).toBe(`${START}\tready\nnothing is planned\n`)
    expect(sink.arrivals.map(({ body }) => JSON.parse(body.toString()).type)).toEqual(['order.paid', 'invoice.paid'])

    expect(await run('events', 'list', '--type', 'order.paid', ...acme)).toBe(
      `${published.event}\torder.paid\t${START}\tada\t-\n`,
    )
    expect(await run('events', 'list', '--state', 'delivered', '--customer', 'ada', ...acme)).toBe(
      `${published.event}\t${id}\torder.paid\tdelivered\t1\t200\tada\n`,
    )
    expect((await json('events', 'show', published.event, ...acme)).deliveries).toHaveLength(1)
    expect(await run('events', 'why', published.event, ...acme)).toMatch(/\tdelivered\tIt was acknowledged/)
    expect(await run('events', 'replay', published.event, '--endpoint', id, ...acme)).toContain('state\trunning\n')
    expect((await json('events', 'replay', '--since', START, '--endpoint', id, ...acme)).filter.from).toBe(START)
    await wanted(bench.post('/clock/advance', { to: START }))
    expect(sink.arrivals).toHaveLength(3)
    await run('endpoints', 'remove', id, ...acme)
    expect((await bench.get('/endpoints')).body.data).toEqual([])
  })

  it('bill: list, show in any dialect, create, update, act, delete', async () => {
    await using bench = await billed({ begin: false })
    const env = { BILLHOOK_URL: bench.served.server.url, BILLHOOK_API_KEY: bench.served.key }
    const run = async (...args: string[]) => {
      const { code, out, err } = await cli(['billing', ...args, '--account', 'acme'], env)
      expect([args.join(' '), code, err]).toEqual([args.join(' '), 0, ''])
      return out
    }
    const made = await run('create', 'subscriptions', '{"customer":"ada","id":"sub","items":[{"price":"monthly"}]}')
    expect(made).toMatch(/^id\tsub\n[^]*status\tactive\n[^]*event\tsubscription\.created\n/)
    expect(await run('list', 'subscriptions', '--customer', 'ada')).toMatch(/^sub\tada\tactive\t/)
    expect(await run('update', 'subscriptions', 'sub', '{"metadata":{"seat":"7"}}')).toContain(
      'metadata\t{"seat":"7"}\n',
    )
    expect(await run('show', 'subscriptions', 'sub', '--dialect', 'airwallex@2025-06-16')).toContain('status\tACTIVE\n')
    expect(JSON.parse(await run('do', 'subscriptions', 'sub', 'cancel', '--json'))).toMatchObject({
      object: { status: 'canceled' },
    })
    expect(await run('list', 'facts', '--limit', '200')).toContain('\tsubscription_canceled\t')
    expect(await run('delete', 'customers', 'ada')).toContain('event\tcustomer.deleted\n')
    expect((await cli(['billing', 'list', 'planets'], env)).err).toMatch(/planets is not one of customers, /)
  })

  it('end with 1 and name the server that they cannot reach', async () => {
    const env = { BILLHOOK_URL: 'http://127.0.0.1:1', BILLHOOK_API_KEY: 'bhk_any' }
    const { code, out, err } = await cli(['accounts', 'list'], env)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^billhook: server_unreachable: the server at http:\/\/127\.0\.0\.1:1 cannot be reached: /)
  })

  it('end with 2 and one line on wrong use and on what the server refuses', async () => {
    await using bench = await billed({ begin: false })
    const env = { BILLHOOK_URL: bench.served.server.url, BILLHOOK_API_KEY: bench.served.key }
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['clocks', 'advance', 'acme'], /needs either --to or --next/],
      [['clocks', 'advance', 'acme', '--to', '2020-01-01T00:00:00Z'], /^billhook: clock_backwards: /],
      [['accounts', 'show', 'nobody'], /^billhook: not_found: /],
      [['publish', 'order.paid', '{'], /the data cannot be read/],
      [['publish', 'order.paid', '[]'], /must be one JSON object/],
      [['events', 'replay', '--endpoint', 'x'], /either an event or --since/],
      [['endpoints', 'create', 'nowhere', '--dialect', 'standard'], /^billhook: invalid_request: body: url: /],
    ]
    for (const [args, message] of wrong) {
      const { code, out, err } = await cli(args, env)
      expect([args.join(' '), code, out]).toEqual([args.join(' '), 2, ''])
      expect(err).toMatch(message)
    }
  })
})
