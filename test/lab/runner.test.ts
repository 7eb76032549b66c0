import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'billhook-runner-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const STORY = `format: 0
id: test/cancel
title: "a plan change, <then> the end & no more"
provider: stripe
clock: { start: "2026-01-10T00:00:00Z" }
given:
  - subscription: { id: sub_1, status: active, current_period_end: "2026-02-01T00:00:00Z", price: { unit_amount: 5000, currency: eur } }
steps:
  - at: "2026-01-10T00:00:00Z"
    when: [ { op: subscription.update, with: { id: sub_1, cancel_at_period_end: true } }, { op: subscription.update, with: { id: sub_1, metadata: { a: b } } } ]
    events:
      - { type: customer.subscription.updated, match: { cancel_at_period_end: true } }
      - { type: customer.subscription.updated, match: { metadata: { a: b } } }
    state: { subscription: { status: active, cancel_at_period_end: true } }
    access: { granted: true, until: "2026-02-01T00:00:00Z" }
  - at: "2026-02-01T00:00:00Z"
    events: [ { type: customer.subscription.deleted, match: { status: canceled } } ]
    never: [ invoice.created ]
    access: { granted: false }
`

let count = 0
/** The story with parts of it replaced, in a file. */
function file(...replace: readonly (readonly [string, string])[]): string {
  let text = STORY
  for (const [from, to] of replace) {
    expect(text).toContain(from)
    text = text.replace(from, to)
  }
  count += 1
  const path = join(folder, `story${count}.yaml`)
  writeFileSync(path, text)
  return path
}

describe('billhook run', () => {
  it('ends with 0 where every line held', async () => {
    const { code, out } = await cli(['run', file()])
    expect(out).toBe('ok    test/cancel  9 assertions\n1 passed, 0 failed\n')
    expect(code).toBe(0)
  })

  it.each([
    [
      'the order is another',
      [
        ['{ cancel_at_period_end: true } }\n', '{ metadata: { a: b } } }\n'],
        [
          'match: { metadata: { a: b } } }\n    state',
          'match: { cancel_at_period_end: true, metadata: {} } }\n    state',
        ],
      ],
      /customer\.subscription\.updated\n +metadata\.a: expected "b", found nothing/,
    ],
    [
      'an event is missing',
      [
        [
          'events: [ { type: customer.subscription.deleted',
          'events: [ { type: invoice.upcoming }, { type: customer.subscription.deleted',
        ],
      ],
      /- invoice\.upcoming {2}\(expected, not emitted\)/,
    ],
    [
      'an event is too many',
      [['      - { type: customer.subscription.updated, match: { metadata: { a: b } } }\n', '']],
      /\+ customer\.subscription\.updated {2}\(emitted, not expected\)/,
    ],
    [
      'a body differs',
      [['match: { status: canceled }', 'match: { status: unpaid }']],
      /status: expected "unpaid", found "canceled"/,
    ],
    [
      'an event comes that never may',
      [['never: [ invoice.created ]', 'never: [ customer.subscription.deleted ]']],
      /! customer\.subscription\.deleted {2}\(must never be emitted\)/,
    ],
    [
      'an event comes that the story forbids as a whole',
      [['steps:', 'never: [ { type: customer.subscription.deleted, match: { status: canceled } } ]\nsteps:']],
      /! customer\.subscription\.deleted/,
    ],
    [
      'the state differs',
      [['state: { subscription: { status: active,', 'state: { subscription: { status: paused,']],
      /subscription\.status: expected "paused", found "active"/,
    ],
    [
      'access differs',
      [['access: { granted: false }', 'access: { granted: true }']],
      /access\.granted: expected true, found false\n +access\.why: /,
    ],
    [
      'the end of what is paid differs',
      [['until: "2026-02-01T00:00:00Z"', 'until: "2026-03-01T00:00:00Z"']],
      /access\.until: expected 2026-03-01T00:00:00Z, found 2026-02-01T00:00:00Z/,
    ],
    [
      'an action is not known',
      [['op: subscription.update', 'op: subscription.vanish']],
      /op "subscription\.vanish" is not known; the known ones are /,
    ],
    [
      'a kind of state is not known',
      [['state: { subscription:', 'state: { galaxy:']],
      /state: "galaxy" is not a kind of object/,
    ],
    [
      'a kind of given is not known',
      [['- subscription: { id', '- galaxy: {}\n  - subscription: { id']],
      /given: "galaxy" is not a kind of object/,
    ],
    [
      'a field has a wrong type',
      [['cancel_at_period_end: true } }, {', 'cancel_at_period_end: maybe } }, {']],
      /op subscription\.update\.cancel_at_period_end: expected true or false, found "maybe"/,
    ],
    ['the provider refuses', [['id: sub_1, metadata', 'id: sub_9, metadata']], /error: .*sub_9/],
    [
      'a setting has a word that means nothing',
      [['steps:', 'settings: { when_retries_end: explode }\nsteps:']],
      /settings\.when_retries_end: expected cancel, /,
    ],
    [
      'an endpoint is not known',
      [
        ['steps:', 'settings: { endpoints: [ { id: own }, { id: app, connected: true } ] }\nsteps:'],
        [
          '{ op: subscription.update, with: { id: sub_1, metadata',
          '{ op: endpoint.fails, with: { endpoint: ap } }, { op: subscription.update, with: { id: sub_1, metadata',
        ],
      ],
      /endpoint "ap" is not known; the known ones are own, app/,
    ],
    ['the provider is not known', [['provider: stripe', 'provider: nobody']], /provider "nobody" is not known/],
  ] as const)('ends with 1 where %s, and says so', async (_what, replace, words) => {
    const { code, out } = await cli(['run', file(...replace)])
    expect(out).toMatch(words)
    expect(out).toContain('FAIL  test/cancel  a plan change, <then> the end & no more\n')
    expect(out).toContain('0 passed, 1 failed')
    expect(code).toBe(1)
  })

  it.each([
    ['bad YAML', [['steps:', 'steps: [']], /FAIL .*yaml.*not a story/],
    ['an unknown format', [['format: 0', 'format: 9']], /format: /],
    ['a key that asserts nothing', [['granted: false', 'grante: false']], /steps\.1\.access: .*grante/],
    [
      'steps that go back in time',
      [['"2026-02-01T00:00:00Z"\n    events', '"2025-02-01T00:00:00Z"\n    events']],
      /lies before the step before it/,
    ],
    [
      'a time that does not exist',
      [['- at: "2026-02-01T00:00:00Z"', '- at: "2026-02-31T00:00:00Z"']],
      /is not a point in time/,
    ],
  ] as const)('ends with 2 for %s, and plays the other files all the same', async (_what, replace, words) => {
    const { code, out } = await cli(['run', file(...replace), file()])
    expect(out).toMatch(words)
    expect(out).toContain('ok    test/cancel')
    expect(out).toContain('1 passed, 1 failed')
    expect(code).toBe(2)
  })

  it('takes one action, one type and one event without a list round it, and a price that is written out', async () => {
    const when = [
      'when: [ { op: subscription.update, with: { id: sub_1, cancel_at_period_end: true } }, {',
      'when: [ {',
    ] as const
    const short = file(
      when,
      [
        'op: subscription.update, with: { id: sub_1, metadata: { a: b } } } ]',
        'op: subscription.update, with: { id: sub_1, cancel_at_period_end: true } }',
      ],
      ['when: [ {', 'when: {'],
      ['      - { type: customer.subscription.updated, match: { metadata: { a: b } } }\n', ''],
      [
        'events: [ { type: customer.subscription.deleted, match: { status: canceled } } ]',
        'events: [ customer.subscription.deleted ]',
      ],
      ['never: [ invoice.created ]', 'never: invoice.created'],
    )
    expect((await cli(['run', short])).out).toBe('ok    test/cancel  8 assertions\n1 passed, 0 failed\n')
    const priced = file(
      ['metadata: { a: b } } } ]', 'price: { unit_amount: 700, currency: eur } } } ]'],
      ['match: { metadata: { a: b } }', 'match: { items: [ { price: { unit_amount: 700 } } ] }'],
      [
        '      - { type: customer.subscription.updated, match: { items',
        '      - invoiceitem.created\n      - invoiceitem.created\n      - { type: customer.subscription.updated, match: { items',
      ],
    )
    expect((await cli(['run', priced])).out).toContain('ok    test/cancel')
  })

  it('ends with 2 for a file that is not there, and for a wrong number of permutations', async () => {
    expect((await cli(['run', join(folder, 'nowhere.yaml')])).code).toBe(2)
    expect((await cli(['run', file(), '--shuffle', 'many'])).code).not.toBe(0)
    expect(await cli(['run', '--slow'])).toMatchObject({ code: 2, err: expect.stringContaining('no story is given') })
    expect((await cli(['run', file(), '--slow', 'soon'])).code).toBe(2)
  })

  it('takes what follows --slow for a story if it is one', async () => {
    for (const args of [
      ['--slow', file()],
      [file(), '--slow'],
      ['--slow', '35s', file()],
    ]) {
      const { code, out } = await cli(['run', ...args])
      expect([code, out.trim().split('\n').at(-1)], args[0]).toEqual([0, '1 passed, 0 failed'])
      expect(out).toContain('slow')
    }
  })

  it('prints one JSON object per story and mode', async () => {
    const { code, out } = await cli(['run', file(), '--shuffle', '2', '--duplicate', '--json'])
    const reports = out
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(reports).toMatchObject([
      { story: 'test/cancel', mode: 'shuffle 1', ok: true },
      { story: 'test/cancel', mode: 'shuffle 2', ok: true },
      { story: 'test/cancel', mode: 'duplicate', ok: true },
    ])
    expect(code).toBe(0)
  })

  it('writes a JUnit file that is well-formed whatever the story says', async () => {
    const path = join(folder, 'junit.xml')
    const wrong = file(
      ['then> the end', 'then> \\u0007 the end'],
      ['match: { status: canceled }', 'match: { status: "<&\\"\\u0007>" }'],
    )
    expect((await cli(['run', file(), wrong, '--junit', path])).code).toBe(1)
    const xml = readFileSync(path, 'utf8')
    expect(xml).toContain('<testsuite name="billhook run" tests="2" failures="1">')
    expect(wellFormed(xml)).toEqual([
      'testsuite',
      'testcase',
      '/testcase',
      'testcase',
      'failure',
      '/failure',
      '/testcase',
      '/testsuite',
    ])
  })

  it('compares the newest delivery up to a step, with its times in any form, and counts those of the story', async () => {
    const down =
      '\nsettings: { endpoint: { ack: { status: 500, fail_until: "2026-01-11T00:00:00Z" } }, retry_every: PT12H, retry_for: PT72H }\nsteps:'
    const deliveries = (times: string, second = '2026-01-10T12:00:00Z') =>
      `    deliveries: { customer.subscription.updated: { results: [500, 500, 200], attempts_at: [ "${times}", "${second}", "2026-01-11T00:00:00Z" ] }, "customer.subscription.created#1": { retried: true } }\n  - at: "2026-02-01`
    const plain = ['\nsteps:', down] as const
    const at = (text: string) => ['  - at: "2026-02-01', text] as const
    const wrong = (await cli(['run', file(plain, at(deliveries('00:00')))])).out
    expect(wrong).toContain('customer.subscription.created#1: expected a delivery, found nothing')
    expect(wrong).not.toContain('attempts_at')
    for (const time of ['00:00:00', '2026-01-10T00:00:00Z']) {
      const text = deliveries(time).replace(', "customer.subscription.created#1": { retried: true }', '')
      expect((await cli(['run', file(plain, at(text))])).out).toContain('1 passed, 0 failed')
    }
    expect((await cli(['run', file(plain, at(deliveries('00:01')))])).out).toContain('attempts_at: expected')
  })

  it('says what means nothing, and does not fail for it', async () => {
    const { code, out } = await cli([
      'run',
      file(['metadata: { a: b } } } ]', 'metadata: { a: b }, colour: red } } ]']),
    ])
    expect(out).toContain('      op subscription.update.colour means nothing here\n')
    expect(code).toBe(0)
  })
})

/** The tags of a document, in order; what stands between them must be text of XML 1.0 with its entities. */
function wellFormed(xml: string): readonly string[] {
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '')
  const tags: string[] = []
  const rest = body.replaceAll(/<(\/?[a-z]+)((?: [a-z]+="[^"<]*")*)>/g, (_tag, name: string) => {
    tags.push(name)
    return ''
  })
  expect(rest).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/)
  // oxlint-disable-next-line no-control-regex -- XML 1.0 has no such characters
  expect(body).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/)
  return tags
}
