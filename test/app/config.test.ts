import { describe, expect, it } from 'vitest'
import { COMMAND_VARIABLES, parseConfig, printConfig, SETTINGS, unknownSettings } from '../../src/app/config.ts'

describe('The configuration', () => {
  it('has a safe default for everything', () => {
    const config = parseConfig({})
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8420,
      databaseUrl: null,
      allowPrivateAddresses: false,
      retentionMs: null,
      mail: null,
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('takes an empty text for unset', () => {
    expect(parseConfig({ BILLHOOK_PORT: ' ', DATABASE_URL: '' })).toEqual(parseConfig({}))
  })

  it('reads every setting: another value than the default gives another configuration', () => {
    const other: Record<(typeof SETTINGS)[number]['name'], string> = {
      BILLHOOK_HOST: '0.0.0.0',
      BILLHOOK_PORT: '0',
      BILLHOOK_PUBLIC_URL: 'https://hooks.example.com',
      BILLHOOK_DATA_FOLDER: '/data',
      DATABASE_URL: 'postgres://u:p@db/x',
      BILLHOOK_DATABASE_SCHEMA: 'billhook',
      BILLHOOK_DATABASE_CONNECTIONS: '4',
      BILLHOOK_SECRET_KEY: 'x',
      BILLHOOK_LOG_LEVEL: 'debug',
      BILLHOOK_MAX_BODY_BYTES: '4096',
      BILLHOOK_BODY_TIMEOUT: 'PT2S',
      BILLHOOK_SHUTDOWN_TIMEOUT: 'PT0S',
      BILLHOOK_SETTLE: 'PT1S',
      BILLHOOK_RETENTION: 'P90D',
      BILLHOOK_POLICY_FILE: 'policy.json',
      BILLHOOK_SMTP_URL: 'smtp://127.0.0.1:25',
      BILLHOOK_MAIL_FROM: 'Billing <billing@example.com>',
      BILLHOOK_OPERATOR_EMAIL: 'ops@example.com',
      BILLHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
      BILLHOOK_DEMO: 'false',
      BILLHOOK_SENDING: 'false',
      BILLHOOK_FORWARD_FACTS: 'true',
      BILLHOOK_FORWARD_DELIVERIES: 'true',
      BILLHOOK_PAYMENTS_URL: 'https://pay.example.com',
      BILLHOOK_PAYMENTS_SECRET: 'whsec_b',
    }
    const mailBase = { BILLHOOK_SMTP_URL: 'smtp://127.0.0.1', BILLHOOK_MAIL_FROM: 'a@example.com' }
    const payBase = { BILLHOOK_PAYMENTS_URL: 'https://a.example.com', BILLHOOK_PAYMENTS_SECRET: 'whsec_a' }
    for (const { name } of SETTINGS) {
      const base = name.includes('MAIL') || name.includes('SMTP') ? mailBase : name.includes('PAYMENTS') ? payBase : {}
      expect(parseConfig({ ...base, [name]: other[name] }), name).not.toEqual(parseConfig(base))
    }
  })

  it.each([
    ['BILLHOOK_PORT', '65536'],
    ['BILLHOOK_PORT', '-1'],
    ['BILLHOOK_PORT', '80a'],
    ['BILLHOOK_PUBLIC_URL', 'example.com'],
    ['DATABASE_URL', 'mysql://root:hunter2@db'],
    ['BILLHOOK_DATABASE_SCHEMA', 'a; drop table x'],
    ['BILLHOOK_DATABASE_CONNECTIONS', '0'],
    ['BILLHOOK_LOG_LEVEL', 'loud'],
    ['BILLHOOK_MAX_BODY_BYTES', '1e9'],
    ['BILLHOOK_BODY_TIMEOUT', '10'],
    ['BILLHOOK_RETENTION', 'P1M'],
    ['BILLHOOK_OPERATOR_EMAIL', 'nobody'],
    ['BILLHOOK_DEMO', 'yes'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => parseConfig({ [name]: value })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining(name),
        details: { setting: name },
      }),
    )
  })

  it('wants a sender with a mail server', () => {
    expect(() => parseConfig({ BILLHOOK_SMTP_URL: 'smtp://x' })).toThrow(/BILLHOOK_MAIL_FROM is not set/)
  })

  it('wants a secret with a payment service', () => {
    expect(() => parseConfig({ BILLHOOK_PAYMENTS_URL: 'https://x.example.com' })).toThrow(/BILLHOOK_PAYMENTS_SECRET/)
  })

  it('shows no secret: not when it is printed, not in the message about a wrong one', () => {
    const env = { DATABASE_URL: 'postgres://u:hunter2@db/x', BILLHOOK_SECRET_KEY: 'hunter2', BILLHOOK_PORT: '1' }
    expect(printConfig(env)).not.toContain('hunter2')
    expect(printConfig(env)).toContain('DATABASE_URL=(set, not shown)\n')
    expect(printConfig(env)).toContain('BILLHOOK_PORT=1\n')
    expect(printConfig({})).toContain('BILLHOOK_PORT=8420  (default)\n')
    expect(() => parseConfig({ DATABASE_URL: 'mysql://root:hunter2@db' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })

  it('finds names that are typing errors', () => {
    expect(unknownSettings({ BILLHOOK_PROT: '1', BILLHOOK_PORT: '1', PATH: '' })).toEqual(['BILLHOOK_PROT'])
  })

  it('takes no variable of the command line for a typing error', () => {
    const variables = {
      BILLHOOK_URL: 'http://127.0.0.1:1',
      BILLHOOK_API_KEY: 'k',
      BILLHOOK_RUN_DATABASE_URL: 'postgres://a',
    }
    expect(unknownSettings(variables)).toEqual([])
    expect(Object.keys(variables)).toEqual(COMMAND_VARIABLES.map(({ name }) => name))
  })
})
