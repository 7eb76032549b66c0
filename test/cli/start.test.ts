/** `billhook start` as its user runs it: a process of its own, through the launcher. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'

const launcher = fileURLToPath(new URL('../../bin/billhook', import.meta.url))
const folders: string[] = []
const processes: ChildProcess[] = []
afterEach(() => {
  for (const process of processes.splice(0)) process.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

interface Running {
  readonly url: string
  /** Standard output so far. */
  out(): string
  /** Waits until standard output has this. */
  says(text: string): Promise<void>
  stop(signal: NodeJS.Signals): Promise<number | null>
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'billhook-start-'))
  folders.push(path)
  return path
}

async function start(dataFolder: string, ...args: string[]): Promise<Running> {
  const child = spawn(launcher, ['start', '--port', '0', '--data-folder', dataFolder, ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  processes.push(child)
  let out = ''
  let err = ''
  const waiting = new Set<() => void>()
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    for (const look of waiting) look()
  })
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  const says = async (text: string): Promise<void> => {
    const said = new Promise<void>((resolve) => {
      const look = (): void => {
        if (out.includes(text)) resolve()
      }
      waiting.add(look)
      look()
    })
    await Promise.race([said, ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${err}`)))])
  }
  await says('\n')
  return {
    url: out.split('\n')[0] ?? '',
    out: () => out,
    says,
    stop: (signal) => {
      child.kill(signal)
      return ended
    },
  }
}

describe('billhook start', () => {
  it('prints its URL, shows its work on an empty store, answers commands beside it, and ends when asked to', async () => {
    const dataFolder = folder()
    const server = await start(dataFolder)
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    await server.says('/openapi.json')
    const told = server.out()
    for (const line of ['200  demo-', 'a second time', 'after a later one', 'signature_mismatch', 'timestamp_too_old'])
      expect(told).toContain(line)
    expect(told.match(/^ {2}(anna|bela|carla): yes, full, plan /gm)).toHaveLength(3)
    expect(told).toMatch(/^ {2}dora: no/m)
    expect(told.match(/because/g)?.length).toBeGreaterThanOrEqual(4)

    // The curl commands that it names work as they stand.
    const [, keyFile = '', asked = ''] = /\$\(cat (\S+)\)" '(\S+)'/.exec(told) ?? []
    const key = readFileSync(keyFile, 'utf8').trim()
    const answer = await fetch(asked, { headers: { authorization: `Bearer ${key}` } })
    expect(await answer.json()).toMatchObject({ allowed: true })

    // The store is in use: the command line asks the server.
    const env = { BILLHOOK_DATA_FOLDER: dataFolder, BILLHOOK_PORT: '0' }
    const access = await cli(['access', 'anna'], env)
    expect([access.code, access.out.split('\n')[0]]).toEqual([0, expect.stringMatching(/^anna: yes, full, plan /)])
    const denied = await cli(['access', 'dora', '--json'], env)
    expect([denied.code, JSON.parse(denied.out)]).toMatchObject([3, { allowed: false }])
    const second = await cli(['start', '--no-demo'], env)
    expect([second.code, second.err]).toEqual([1, expect.stringContaining('store_locked')])

    expect(await server.stop('SIGTERM')).toBe(0)
    const again = await start(dataFolder)
    expect(await again.stop('SIGINT')).toBe(0)
    expect(again.out()).toBe(`${again.url}\n`)

    // And without a server they open the store themselves.
    expect((await cli(['access', 'anna'], env)).code).toBe(0)
    const made = await cli(['keys', 'create', 'ci', '--scope', 'write'], env)
    expect(made.out).toMatch(/^bhk_\S+\n$/)
    const list = await cli(['keys', 'list'], env)
    const [id = ''] = /^key_\S+(?=\twrite\tci)/m.exec(list.out) ?? []
    expect((await cli(['keys', 'revoke', id], env)).code).toBe(0)
    expect((await cli(['keys', 'revoke', id], env)).code).toBe(2)
    expect(JSON.parse((await cli(['replay', '--source', 'demo-kinde'], env)).out)).toEqual({ facts: 0 })
  })

  it('says what is wrong with its configuration, and prints it', async () => {
    const wrong = await cli(['start'], { BILLHOOK_PORT: 'x' })
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('BILLHOOK_PORT')])
    const printed = await cli(['config'], { BILLHOOK_PROT: '1', DATABASE_URL: 'postgres://u:hunter2@h/d' })
    expect(printed.code).toBe(0)
    expect(printed.out).not.toContain('hunter2')
    expect(printed.err).toContain('unknown setting BILLHOOK_PROT')
    for (const line of [['replay'], ['replay', 'x', '--kind', 'invoice_paid'], ['keys', 'create'], ['access']])
      expect([line, (await cli(line, { BILLHOOK_DATA_FOLDER: folder() })).code]).toEqual([line, 2])
  })
})
