import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { REFUSALS } from '../../src/model/verdict.ts'
import { cli } from '../support/cli.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'billhook-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Case {
  readonly name: string
  readonly dialect: string
  readonly secret: string | null
  readonly at: string | null
  readonly tolerance: number | null
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
  readonly ours: string
}

interface Vector {
  readonly [key: string]: unknown
}

const file = (provider: string): { readonly vectors: readonly Vector[]; readonly jwks?: unknown } =>
  JSON.parse(readFileSync(join(root, `vectors/${provider}.json`), 'utf8')) as {
    vectors: Vector[]
    jwks?: unknown
  }

const bodyOf = (text: unknown, base64: unknown): Buffer =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(text), 'utf8')

/** Vectors whose body is no bytes at all (a parsed object, a missing one) cannot be a file. */
const hasBytes = (vector: Vector): boolean =>
  typeof (vector['payload'] ?? vector['payload_base64'] ?? vector['body'] ?? vector['body_base64']) === 'string'

const withHeader = (name: string, value: unknown): Readonly<Record<string, unknown>> =>
  value === undefined ? {} : { [name]: value }

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const CASES: readonly Case[] = [
  ...file('stripe')
    .vectors.filter(hasBytes)
    .map((v) => ({
      name: `stripe ${String(v['id'])}`,
      dialect: 'stripe@2025-02-24.acacia',
      secret: textOrNull(v['secret']),
      at: new Date(Number(v['received_at_ms'])).toISOString(),
      tolerance: Number(v['tolerance']),
      headers: withHeader('Stripe-Signature', v['header']),
      body: bodyOf(v['payload'], v['payload_base64']),
      ours: String(v['ours']),
    })),
  ...file('razorpay')
    .vectors.filter(hasBytes)
    .map((v) => ({
      name: `razorpay ${String(v['id'])}`,
      dialect: 'razorpay',
      secret: textOrNull(v['secret']),
      at: null,
      tolerance: null,
      headers: withHeader('X-Razorpay-Signature', v['signature']),
      body: bodyOf(v['payload'], v['payload_base64']),
      ours: String(v['ours']),
    })),
  ...file('airwallex')
    .vectors.filter(hasBytes)
    .map((v) => ({
      name: `airwallex ${String(v['name'])}`,
      dialect: 'airwallex@2025-06-16',
      secret: textOrNull(v['secret']),
      at: new Date(Number(v['now_ms'])).toISOString(),
      tolerance: Number(v['tolerance_ms']) / 1000,
      headers: v['headers'] as Record<string, unknown>,
      body: bodyOf(v['body'], v['body_base64']),
      ours: String(v['ours']),
    })),
  ...file('standard')
    .vectors.filter(hasBytes)
    .map((v) => ({
      name: `standard ${String(v['name'])}`,
      dialect: 'standard',
      secret: textOrNull(v['secret']),
      at: new Date(Number(v['now']) * 1000).toISOString(),
      tolerance: null,
      headers: v['headers'] as Record<string, unknown>,
      body: bodyOf(v['body'], v['body_base64']),
      ours: String(v['ours']),
    })),
  ...file('kinde').vectors.map((v) => ({
    name: `kinde ${String(v['name'])}`,
    dialect: 'kinde',
    secret: null,
    at: null,
    tolerance: null,
    headers: { 'content-type': 'application/jwt' },
    body: Buffer.from(String(v['token']), 'utf8'),
    ours: String(v['ours']),
  })),
]

const jwksFile = join(folder, 'jwks.json')
writeFileSync(jwksFile, JSON.stringify(file('kinde').jwks))

function argumentsOf(one: Case): readonly string[] {
  const headers = join(folder, 'headers.json')
  const body = join(folder, 'body')
  writeFileSync(headers, JSON.stringify(one.headers))
  writeFileSync(body, one.body)
  return [
    'open',
    '--dialect',
    one.dialect,
    ...(one.secret === null ? [] : ['--secret', one.secret]),
    ...(one.dialect === 'kinde' ? ['--jwks', jwksFile] : []),
    ...(one.at === null ? [] : ['--at', one.at]),
    ...(one.tolerance === null ? [] : ['--tolerance', String(one.tolerance)]),
    '--headers',
    headers,
    body,
  ]
}

describe('billhook open', () => {
  it.each(CASES)('judges the vector $name as $ours', async (one) => {
    const { code, out } = await cli(argumentsOf(one))
    const printed = JSON.parse(out) as Record<string, unknown>
    expect(Object.keys(printed)).toEqual(['ok', 'reason', 'notification', 'observations', 'unknown', 'problems'])
    if (one.ours === 'either') return
    const opens = one.ours === 'open'
    expect({ ok: printed['ok'], code }).toEqual(opens ? { ok: true, code: 0 } : { ok: false, code: 3 })
    if (opens) expect(printed['reason']).toBeNull()
    else expect(Object.keys(REFUSALS)).toContain(printed['reason'])
  })

  const valid = CASES.find(({ name }) => name === 'stripe valid-minimal')!

  it('refuses for want of a secret, and lets the age alone without a clock', async () => {
    const none = await cli(argumentsOf({ ...valid, secret: null }))
    expect([none.code, JSON.parse(none.out)]).toMatchObject([3, { ok: false, reason: 'secret_missing' }])
    const ageless = await cli(argumentsOf({ ...valid, at: null, tolerance: 0 }))
    expect(ageless.code).toBe(0)
    const late = await cli(argumentsOf({ ...valid, at: '2040-01-01T00:00:00Z' }))
    expect([late.code, JSON.parse(late.out)]).toMatchObject([3, { reason: 'timestamp_too_old' }])
  })

  it('takes several secrets, headers as lists, and another version of a provider', async () => {
    const args = argumentsOf(valid)
    const several = await cli(['open', '--secret', 'whsec_other', ...args.slice(1)])
    expect(several.code).toBe(0)
    const older = await cli(args.map((arg) => (arg === valid.dialect ? 'stripe@2024-06-20' : arg)))
    expect(older.code).toBe(0)
    const header = valid.headers['Stripe-Signature']
    const twice = await cli(argumentsOf({ ...valid, headers: { 'stripe-signature': [header, header] } }))
    expect([twice.code, JSON.parse(twice.out)]).toMatchObject([3, { reason: 'header_repeated' }])
  })

  it('tells a body that cannot be parsed from wrong use', async () => {
    const args = argumentsOf(valid)
    const wrong: readonly (readonly string[])[] = [
      [],
      ['nonsense'],
      ['open'],
      ['open', '--dialect', 'paypal', ...args.slice(3)],
      [...args, 'two bodies'],
      [...args.slice(0, -1), join(folder, 'missing')],
      [...args, '--at', 'yesterday'],
      [...args, '--tolerance', 'five'],
      [...args, '--tolerance', '-1'],
      [...args, '--jwks', join(folder, 'missing')],
      [...args, '--unknown'],
    ]
    for (const line of wrong) {
      const { code, out, err } = await cli(line)
      expect([line.slice(-2), code, out]).toEqual([line.slice(-2), 2, ''])
      expect(err).not.toBe('')
    }
    for (const headers of ['[]', '{', 'null', '{"a":1}', '{"a":[1]}']) {
      writeFileSync(join(folder, 'headers.json'), headers)
      expect((await cli(args)).code, headers).toBe(2)
    }
  })

  it('works from another folder through the launcher, whatever Node.js the shell has', async () => {
    const run = promisify(execFile)
    const args = argumentsOf(valid)
    // A path without the checkout's own programs: the system's Node.js, which may be too old.
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
    const { stdout, stderr } = await run(join(root, 'bin/billhook'), args, { cwd: folder, env })
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, notification: { id: 'evt_1', type: 'invoice.paid' } })
    expect(stderr).toBe('')
    const refused = argumentsOf({ ...valid, secret: 'whsec_wrong' })
    await expect(run(join(root, 'bin/billhook'), refused, { cwd: folder, env })).rejects.toMatchObject({
      code: 3,
      stdout: expect.stringContaining('"reason":"signature_mismatch"'),
      stderr: expect.stringContaining('signature_mismatch'),
    })
  })
})
