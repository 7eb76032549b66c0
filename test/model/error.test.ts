import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { absurd } from '../../src/model/absurd.ts'
import { BillhookError, ERRORS, isBillhookError, messageOf } from '../../src/model/error.ts'
import { instant } from '../../src/model/instant.ts'
import type { Instant } from '../../src/model/instant.ts'

const codes = Object.keys(ERRORS) as (keyof typeof ERRORS)[]

describe('the table of errors', () => {
  it.each(codes)('says of %s what it means, what to do, and with which status it is answered', (code) => {
    const { status, meaning, remedy } = ERRORS[code]
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(meaning).toMatch(/^[A-Z].*\.$/)
    expect(remedy).toMatch(/^[A-Z].*\.$/)
  })

  it('has no two codes with one meaning', () => {
    const meanings = Object.values(ERRORS).map(({ meaning }) => meaning)
    expect(new Set(meanings).size).toBe(meanings.length)
  })

  it.each(codes)('names only documents that exist: %s', (code) => {
    for (const [path] of ERRORS[code].remedy.matchAll(/(?:docs|scenarios)\/[\w.-]+\w/g))
      expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').length).toBeGreaterThan(0)
  })
})

describe('an error', () => {
  it('has its code, status, message and cause', () => {
    const cause = new Error('below')
    const error = new BillhookError('store_locked', 'the folder is in use', { cause, details: { pid: 7 } })
    expect(error).toMatchObject({ name: 'BillhookError', code: 'store_locked', status: 503, details: { pid: 7 } })
    expect(error.cause).toBe(cause)
    expect('cause' in new BillhookError('conflict', 'no cause')).toBe(false)
    expect(error.stack).toContain('the folder is in use')
  })

  it('is known as ours, also from another copy of this package, and nothing else is', () => {
    const foreign = Object.assign(new Error('x'), { name: 'BillhookError', code: 'conflict' })
    const strange = ['no_such_code', 'constructor', 'toString', 7].map((code) =>
      Object.assign(new Error('x'), { name: 'BillhookError', code }),
    )
    expect(isBillhookError(new BillhookError('conflict', 'x'))).toBe(true)
    expect(isBillhookError(foreign)).toBe(true)
    for (const other of [...strange, new Error('x'), { name: 'BillhookError', code: 'conflict' }, null, 'conflict'])
      expect(isBillhookError(other)).toBe(false)
  })

  it('of any kind has a message', () => {
    expect([new Error('a'), 'b', null, 7].map(messageOf)).toEqual(['a', 'b', 'null', '7'])
  })
})

describe('what only the types forbid', () => {
  it('a plain number is no instant, and an instant is a number', () => {
    const wants = (at: Instant): number => at
    expect(wants(instant(5))).toBe(5)
    // @ts-expect-error a number that nobody checked
    expect(wants(5)).toBe(5)
    // @ts-expect-error a sum is checked again: it may be out of range
    expect(wants(instant(5) + 1)).toBe(6)
  })

  it('a value that no case knows is a defect', () => {
    expect(() => absurd('surprise' as never, 'colour')).toThrow('colour: no case for "surprise"')
  })
})
