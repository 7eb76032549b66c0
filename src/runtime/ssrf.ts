import { lookup as dnsLookup } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import { BillhookError, messageOf } from '../model/error.ts'
import type { AddressGuard, UrlVerdict } from '../ports/address_guard.ts'

/** Exceptions from the rule against requests to internal addresses. */
export interface GuardOptions {
  /** 127.0.0.0/8 and ::1, and plain http: for development and tests. */
  readonly allowLoopback: boolean
  /** Plain http to public addresses. */
  readonly allowHttp: boolean
  /** Networks such as `10.1.0.0/16` or `fd00::/8` that the operator vouches for. */
  readonly allow: readonly string[]
}

/** Nothing internal, and only https. */
export const GUARD_DEFAULTS: GuardOptions = { allowLoopback: false, allowHttp: false, allow: [] }

/** This machine and the private networks around it, over http too. Metadata services stay refused. */
export const GUARD_DEVELOPMENT: GuardOptions = {
  allowLoopback: true,
  allowHttp: true,
  allow: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
}

/** Resolves a host to all its addresses; a parameter so that tests can play a name server that changes its mind. */
export type Resolver = (host: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void

const systemResolver: Resolver = (host, done) =>
  dnsLookup(host, { all: true, verbatim: true }, (error, addresses) => done(error, addresses ?? []))

/**
 * Networks that are not the public internet. @source IANA special-purpose address registries for IPv4 and IPv6; cloud
 * metadata services live in 169.254.0.0/16, fd00:ec2::/32 and 100.100.100.200.
 */
const INTERNAL_V4 = [
  ['0.0.0.0', 8, 'this network'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared address space'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local and metadata'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'protocol assignments'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.31.196.0', 24, 'AS112'],
  ['192.52.193.0', 24, 'AMT'],
  ['192.88.99.0', 24, '6to4 relay'],
  ['192.168.0.0', 16, 'private'],
  ['192.175.48.0', 24, 'AS112'],
  ['198.18.0.0', 15, 'benchmarking'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved and broadcast'],
] as const

/**
 * Only 2000::/3 is public unicast; inside it, what tunnels to IPv4 or is set aside. Outside it everything is refused,
 * which covers ::, ::1, IPv4-compatible, NAT64 (64:ff9b::/96), unique local, link-local and multicast.
 */
const INTERNAL_V6 = [
  ['2001::', 23, 'protocol assignments, Teredo, ORCHID'],
  ['2001:db8::', 32, 'documentation'],
  ['2002::', 16, '6to4'],
  ['3fff::', 20, 'documentation'],
  ['2620:4f:8000::', 48, 'AS112'],
] as const

/** Names of this machine. */
const LOOPBACK_NAME = /^(?:.+\.)?localhost\.?$/i

/** Names that only a private network resolves. */
const INTERNAL_NAME = /\.(?:local|internal|localdomain|corp|home|lan|onion)\.?$/i

const MAX_URL_LENGTH = 2048

/** Whether an address may be connected to. */
export type AddressVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string }

/**
 * The rule against requests to internal addresses. It is applied to the URL when an endpoint is registered, to each
 * address that a name resolves to at the very moment of connecting, and once more to the address that the socket says
 * it is connected to.
 */
export class Guard implements AddressGuard {
  readonly #options: GuardOptions
  readonly #allowed: BlockList
  readonly #resolve: Resolver

  /** @throws BillhookError `config_invalid` if an entry of `allow` is not a network */
  constructor(options: GuardOptions, resolve: Resolver = systemResolver) {
    this.#options = options
    this.#resolve = resolve
    this.#allowed = new BlockList()
    for (const network of options.allow) allowNetwork(this.#allowed, network)
  }

  /** Judges a literal IPv4 or IPv6 address. */
  address(address: string): AddressVerdict {
    const text = unbracketed(address).replace(/%.*$/, '')
    const family = isIP(text)
    if (family === 0) return { ok: false, why: `${address} is not an IP address` }
    const embedded = family === 6 ? mappedIPv4(text) : null
    // A mapped address is the IPv4 address: the kernel sends to that.
    if (embedded !== null) return this.address(embedded)
    if (this.#allowed.check(text, family === 4 ? 'ipv4' : 'ipv6')) return { ok: true }
    const why = family === 4 ? internalV4(text) : internalV6(text)
    if (why === null) return { ok: true }
    if (why === 'loopback' && this.#options.allowLoopback) return { ok: true }
    return { ok: false, why: `${address} is not a public address (${why})` }
  }

  /** Judges scheme, credentials and host of a URL; a host that is a name is not resolved here. */
  url(url: string): UrlVerdict {
    const detail = this.#urlFault(url)
    return detail === null ? { ok: true } : { ok: false, detail }
  }

  #urlFault(url: string): string | null {
    if (url.length > MAX_URL_LENGTH) return `the URL is longer than ${MAX_URL_LENGTH} characters`
    if (!URL.canParse(url)) return 'it is not a URL'
    const { protocol, username, password, hostname } = new URL(url)
    if (protocol !== 'https:' && !(protocol === 'http:' && this.#takesHttp(hostname)))
      return `its scheme is ${protocol} and not https:`
    if (username !== '' || password !== '') return 'it carries credentials; use a header for them'
    if (url.includes('#')) return 'it has a fragment, which is never sent'
    // The URL parser has turned decimal, octal, hexadecimal and short forms of addresses into the plain form.
    const literal = unbracketed(hostname)
    if (isIP(literal) === 0) return this.#nameFault(hostname)
    const verdict = this.address(literal)
    return verdict.ok ? null : verdict.why
  }

  #takesHttp(hostname: string): boolean {
    const literal = unbracketed(hostname)
    const isThisMachine = isIP(literal) === 0 ? LOOPBACK_NAME.test(hostname) : isLoopback(literal)
    return this.#options.allowHttp || (this.#options.allowLoopback && isThisMachine)
  }

  #nameFault(hostname: string): string | null {
    if (LOOPBACK_NAME.test(hostname)) return this.#options.allowLoopback ? null : `${hostname} is this machine`
    const isInternal = !hostname.includes('.') || INTERNAL_NAME.test(hostname)
    return isInternal && this.#options.allow.length === 0 ? `${hostname} is not a public name` : null
  }

  async check(url: string): Promise<UrlVerdict> {
    const verdict = this.url(url)
    if (!verdict.ok) return verdict
    const host = unbracketed(new URL(url).hostname)
    if (isIP(host) !== 0) return verdict
    return new Promise((resolve) => {
      this.lookup(host, (error) => {
        resolve(error === null ? { ok: true } : { ok: false, detail: messageOf(error) })
      })
    })
  }

  /**
   * Resolves a name and refuses it if any of its addresses is internal. The socket connects to exactly what is answered
   * here, so a name server that answers differently the next time gains nothing.
   */
  lookup(host: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void): void {
    this.#resolve(host, (error, addresses) => {
      if (error !== null) return done(error, [])
      if (addresses.length === 0) return done(new Error(`${host} has no address`), [])
      for (const { address } of addresses) {
        const verdict = this.address(address)
        if (!verdict.ok) return done(new RefusedAddress(`${host} leads to an internal address: ${verdict.why}`), [])
      }
      done(null, addresses)
    })
  }
}

/** A connection that the guard did not let happen. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress'
}

/** An IPv6 address without the brackets that it has in a URL. */
function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** The IPv4 address inside an IPv4-mapped IPv6 address, in whatever form it is written; null for any other. */
function mappedIPv4(text: string): string | null {
  const canonical = new URL(`http://[${text}]/`).hostname
  const match = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(canonical)
  if (match === null) return null
  const [high, low] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

function internalV4(text: string): string | null {
  const value = numberOfV4(text)
  for (const [network, bits, why] of INTERNAL_V4) {
    const size = 2 ** (32 - bits)
    if (Math.floor(value / size) === Math.floor(numberOfV4(network) / size)) return why
  }
  return null
}

function numberOfV4(text: string): number {
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0)
}

const loopbackV6 = listOf([['::1', 128]])
const publicV6 = listOf([['2000::', 3]])
const internalV6Lists = INTERNAL_V6.map(([network, bits, why]) => ({ list: listOf([[network, bits]]), why }))

function internalV6(text: string): string | null {
  if (loopbackV6.check(text, 'ipv6')) return 'loopback'
  if (!publicV6.check(text, 'ipv6')) return 'outside 2000::/3'
  return internalV6Lists.find(({ list }) => list.check(text, 'ipv6'))?.why ?? null
}

function listOf(networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, bits] of networks) list.addSubnet(network, bits, 'ipv6')
  return list
}

function isLoopback(literal: string): boolean {
  const embedded = isIP(literal) === 6 ? mappedIPv4(literal) : null
  const text = embedded ?? literal
  return isIP(text) === 4 ? text.startsWith('127.') : loopbackV6.check(text, 'ipv6')
}

function allowNetwork(list: BlockList, network: string): void {
  const [address = '', bits = ''] = network.split('/')
  const family = isIP(address)
  const length = bits === '' ? (family === 4 ? 32 : 128) : Number(bits)
  if (family === 0 || !Number.isInteger(length) || length < 0 || length > (family === 4 ? 32 : 128))
    throw new BillhookError('config_invalid', `${network} is not a network; write for example 10.1.0.0/16`)
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
}
