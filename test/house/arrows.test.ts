import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, cpSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'billhook-arrows-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Cruises a small house of its own under the real rules and says which rules were broken. */
function broken(files: Readonly<Record<string, string>>): readonly string[] {
  const house = mkdtempSync(join(folder, 'house-'))
  for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    cpSync(join(root, name), join(house, name))
  mkdirSync(join(house, 'tools/house'), { recursive: true })
  cpSync(join(root, 'tools/house/rooms.json'), join(house, 'tools/house/rooms.json'))
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true })
    writeFileSync(join(house, path), text)
  }
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const run = (): string => {
    try {
      return execFileSync(process.execPath, [cruiser, '--no-progress', '--output-type', 'json', 'src'], {
        cwd: house,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        maxBuffer: 64 * 1024 * 1024,
      })
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  }
  const report = JSON.parse(run()) as { summary: { violations: { rule: { name: string } }[]; totalCruised: number } }
  expect(report.summary.totalCruised).toBeGreaterThan(0)
  return [...new Set(report.summary.violations.map(({ rule }) => rule.name))].sort()
}

const VALUE = 'export const value = 1\n'

describe('The rule about who may import whom', () => {
  it('can fail: every forbidden arrow of this list is found, and the allowed ones are not', () => {
    expect(
      broken({
        'src/model/value.ts': VALUE,
        'src/wire/value.ts': `export { value } from '../model/value.ts'\n`,
        'src/dialects/dialect.ts': `export { value } from '../wire/value.ts'\n`,
        'src/inbox/value.ts': `export { value } from '../dialects/dialect.ts'\n`,
      }),
    ).toEqual([])
    expect(
      broken({
        'src/model/value.ts': VALUE,
        'src/storage/value.ts': VALUE,
        'src/server/value.ts': VALUE,
        'src/dialects/one.ts': VALUE,
        'src/dialects/stripe/index.ts': VALUE,
        'src/dialects/registry.ts': `export { value } from './stripe/index.ts'\n`,
        // A type alone is an arrow too.
        'src/model/up.ts': `import type { value } from '../storage/value.ts'\nexport type Up = typeof value\n`,
        'src/ledger/sideways.ts': `export { value } from '../server/value.ts'\n`,
        'src/lifecycle/clock.ts': `export { setTimeout } from 'node:timers/promises'\n`,
        'src/wire/network.ts': `export { request } from 'node:http'\n`,
        'src/dialects/kinde/other.ts': `export { value } from '../stripe/index.ts'\n`,
        'src/inbox/registry.ts': `export { value } from '../dialects/registry.ts'\n`,
        'src/server/pg.ts': `export { default as pg } from 'pg'\n`,
        'src/app/test.ts': `export { expect } from 'vitest'\n`,
        'src/cli/gone.ts': `export { value } from './nothing.ts'\n`,
        'src/delivery/a.ts': `export { b } from './b.ts'\nexport const a = 1\n`,
        'src/delivery/b.ts': `export { a } from './a.ts'\nexport const b = 1\n`,
      }),
    ).toEqual([
      'app-outside',
      'cli-outside',
      'dialects-kinde',
      'inbox-rooms',
      'ledger-rooms',
      'lifecycle-outside',
      'model-rooms',
      'no-circle',
      'no-dev-dependency',
      'registry',
      'resolvable',
      'server-outside',
      'wire-outside',
    ])
  })

  it('has a row for every room, so that a new folder is refused until it is in the table', () => {
    const { rooms } = JSON.parse(readFileSync(join(root, 'tools/house/rooms.json'), 'utf8')) as { rooms: object }
    const listed = execFileSync('git', ['ls-files', 'src'], { cwd: root, encoding: 'utf8' })
    const found = new Set(
      listed
        .split('\n')
        .map((path) => path.split('/'))
        .filter((parts) => parts.length > 2)
        .map((parts) => parts[1]),
    )
    found.delete('dialects')
    expect([...found].filter((room) => room === undefined || !(room in rooms))).toEqual([])
  })
})
