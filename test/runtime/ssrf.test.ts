import { describe, expect, test } from 'vitest'
import { Guard, GUARD_DEFAULTS, GUARD_DEVELOPMENT } from '../../src/runtime/ssrf.ts'

/** Every form in which an internal address is written, and what it is. */
const REFUSED: readonly (readonly [url: string, what: string])[] = [
  ['https://127.0.0.1/', 'loopback'],
  ['https://127.1/', 'loopback, short form'],
  ['https://127.0.1/', 'loopback, three parts'],
  ['https://2130706433/', 'loopback, decimal'],
  ['https://0x7f000001/', 'loopback, hexadecimal'],
  ['https://0x7f.0x0.0x0.0x1/', 'loopback, hexadecimal parts'],
  ['https://0177.0.0.1/', 'loopback, octal'],
  ['https://017700000001/', 'loopback, one octal number'],
  ['https://127.0.0.1./', 'loopback with a trailing dot'],
  ['https://%31%32%37.0.0.1/', 'loopback, percent-encoded'],
  ['https://①②⑦.0.0.1/', 'loopback, full-width digits'],
  ['https://127。0。0。1/', 'loopback, ideographic full stops'],
  ['https://localhost/', 'loopback by name'],
  ['https://LOCALHOST./', 'loopback by name, capitals, dot'],
  ['https://a.localhost/', 'loopback by a name below localhost'],
  ['https://0.0.0.0/', 'this host'],
  ['https://0/', 'this host, short'],
  ['https://10.0.0.1/', 'private'],
  ['https://10.255.255.255/', 'private, end of the range'],
  ['https://172.16.0.1/', 'private'],
  ['https://172.31.255.255/', 'private, end of the range'],
  ['https://192.168.1.1/', 'private'],
  ['https://169.254.169.254/latest/meta-data', 'metadata'],
  ['https://0xa9fea9fe/', 'metadata, hexadecimal'],
  ['https://2852039166/', 'metadata, decimal'],
  ['https://100.100.100.200/', 'metadata in the shared space'],
  ['https://100.64.0.1/', 'shared address space'],
  ['https://192.0.0.192/', 'protocol assignments'],
  ['https://192.0.2.1/', 'documentation'],
  ['https://192.88.99.1/', '6to4 relay'],
  ['https://198.18.0.1/', 'benchmarking'],
  ['https://198.51.100.1/', 'documentation'],
  ['https://203.0.113.1/', 'documentation'],
  ['https://224.0.0.1/', 'multicast'],
  ['https://239.255.255.250/', 'multicast'],
  ['https://240.0.0.1/', 'reserved'],
  ['https://255.255.255.255/', 'broadcast'],
  ['https://[::]/', 'unspecified'],
  ['https://[::1]/', 'loopback'],
  ['https://[0:0:0:0:0:0:0:1]/', 'loopback, long form'],
  ['https://[::ffff:127.0.0.1]/', 'mapped loopback'],
  ['https://[::ffff:7f00:1]/', 'mapped loopback, hexadecimal'],
  ['https://[0:0:0:0:0:ffff:a9fe:a9fe]/', 'mapped metadata'],
  ['https://[::ffff:10.0.0.1]/', 'mapped private'],
  ['https://[::127.0.0.1]/', 'IPv4-compatible loopback'],
  ['https://[64:ff9b::7f00:1]/', 'NAT64 loopback'],
  ['https://[64:ff9b::169.254.169.254]/', 'NAT64 metadata'],
  ['https://[64:ff9b:1::1]/', 'local NAT64'],
  ['https://[2002:7f00:1::]/', '6to4 loopback'],
  ['https://[2002:a9fe:a9fe::1]/', '6to4 metadata'],
  ['https://[2001:0:7f00:1::]/', 'Teredo'],
  ['https://[2001:db8::1]/', 'documentation'],
  ['https://[3fff::1]/', 'documentation'],
  ['https://[100::1]/', 'discard only'],
  ['https://[fc00::1]/', 'unique local'],
  ['https://[fd00:ec2::254]/', 'metadata over IPv6'],
  ['https://[fe80::1]/', 'link-local'],
  ['https://[fec0::1]/', 'site-local'],
  ['https://[ff02::1]/', 'multicast'],
  ['https://[5f00::1]/', 'segment routing'],
  ['https://metadata/', 'a name without a dot'],
  ['https://metadata.google.internal/', 'metadata by name'],
  ['https://printer.local/', 'a local name'],
  ['http://example.com/', 'not encrypted'],
  ['ftp://example.com/', 'another scheme'],
  ['file:///etc/passwd', 'a file'],
  ['gopher://example.com/', 'another scheme'],
  ['https://user:secret@example.com/', 'credentials'],
  ['https://user@example.com/', 'a user name'],
  ['https://example.com/#a', 'a fragment'],
  ['https://', 'no host'],
  ['not a url', 'no URL'],
  [`https://example.com/${'a'.repeat(2048)}`, 'too long'],
]

const publicNames = new Guard(GUARD_DEFAULTS, (_host, done) => done(null, [{ address: '93.184.216.34', family: 4 }]))

describe('the guard against internal addresses', () => {
  test.each(REFUSED)('refuses %s (%s)', async (url) => {
    expect((await publicNames.check(url)).ok).toBe(false)
  })

  test.each([
    'https://example.com/hook',
    'https://example.com:8443/hook?x=1',
    'https://93.184.216.34/',
    'https://[2606:2800:220:1:248:1893:25c8:1946]/',
    'https://172.32.0.1/',
    'https://172.15.255.255/',
    'https://100.63.255.255/',
    'https://100.128.0.1/',
    'https://11.0.0.1/',
    'https://[::ffff:93.184.216.34]/',
  ])('lets %s through', async (url) => {
    expect(await publicNames.check(url)).toEqual({ ok: true })
  })

  test('refuses a name if one of its addresses is internal', async () => {
    const guard = new Guard(GUARD_DEFAULTS, (_host, done) =>
      done(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ]),
    )
    expect(await guard.check('https://example.com/')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('10.0.0.1'),
    })
  })

  test('in development lets this machine and private networks through, but no metadata service', async () => {
    const guard = new Guard(GUARD_DEVELOPMENT, (host, done) =>
      done(null, [{ address: host === 'metadata.google.internal' ? '169.254.169.254' : '172.18.0.5', family: 4 }]),
    )
    const through = [
      'http://127.0.0.1/',
      'http://localhost/',
      'http://10.0.0.1/',
      'http://192.168.1.4:8080/',
      'http://app:3000/',
    ]
    for (const url of through) expect(await guard.check(url), url).toEqual({ ok: true })
    const metadata = ['169.254.169.254', '100.100.100.200', '[fd00:ec2::254]', 'metadata.google.internal']
    for (const host of metadata) expect((await guard.check(`http://${host}/`)).ok, host).toBe(false)
  })

  test('with loopback allowed lets that through, and nothing else that is internal', async () => {
    const guard = new Guard({ ...GUARD_DEFAULTS, allowLoopback: true })
    for (const url of ['http://127.0.0.1:3000/', 'http://localhost:3000/', 'http://[::1]:3000/', 'https://127.0.0.1/'])
      expect((await guard.check(url)).ok, url).toBe(true)
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'http://example.com/', 'http://[fd00::1]/'])
      expect((await guard.check(url)).ok, url).toBe(false)
  })

  test('lets through the networks that the operator names', async () => {
    const guard = new Guard({ ...GUARD_DEFAULTS, allow: ['10.1.0.0/16', 'fd00:1::/32'] })
    expect((await guard.check('https://10.1.2.3/')).ok).toBe(true)
    expect((await guard.check('https://[::ffff:10.1.2.3]/')).ok).toBe(true)
    expect((await guard.check('https://[fd00:1::5]/')).ok).toBe(true)
    expect((await guard.check('https://10.2.0.1/')).ok).toBe(false)
    expect(() => new Guard({ ...GUARD_DEFAULTS, allow: ['10.1.0.0/99'] })).toThrow('is not a network')
  })
})
