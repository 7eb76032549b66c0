import { expect, it } from 'vitest'
import { createLog, NO_LOG } from '../../src/runtime/logger.ts'

function capture(level: 'debug' | 'warn' | 'silent'): { lines: Record<string, unknown>[]; log: typeof NO_LOG } {
  const lines: Record<string, unknown>[] = []
  return { lines, log: createLog(level, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }) }
}

it('A log line is one JSON object with level, time, message and fields', () => {
  const { lines, log } = capture('debug')
  log.warn({ source: 'main', attempt: 2 }, 'delivery refused')
  expect(lines).toEqual([
    { level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), source: 'main', attempt: 2, msg: 'delivery refused' },
  ])
})

it('A log below its level is left out, and a silent one writes nothing', () => {
  const warn = capture('warn')
  warn.log.debug({}, 'a')
  warn.log.info({}, 'b')
  warn.log.error({}, 'c')
  expect(warn.lines.map(({ msg }) => msg)).toEqual(['c'])
  const silent = capture('silent')
  silent.log.error({}, 'd')
  NO_LOG.error({}, 'e')
  expect(silent.lines).toEqual([])
})

it('Secrets and payloads put into a field by mistake are not written', () => {
  const { lines, log } = capture('debug')
  log.info({ secret: 'whsec_abc', apiKey: 'bh_key', payload: '{"a":1}', kept: 'x' }, 'oops')
  expect(JSON.stringify(lines)).not.toMatch(/whsec_abc|bh_key|"a"/)
  expect(lines[0]).toMatchObject({ kept: 'x', secret: '[redacted]' })
})
