/** Properties of the code itself that no other tool checks. Each check is first shown to fail on a planted fault. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Text {
  readonly path: string
  readonly text: string
}

type Check = (file: Text) => readonly string[]

function filesUnder(folder: string): readonly Text[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({
      path: `${folder}/${name.replaceAll('\\', '/')}`,
      text: readFileSync(join(root, folder, name), 'utf8'),
    }))
}

/** The lines of a file that a pattern finds, comments included. */
const lines =
  (pattern: RegExp, where: (path: string) => boolean = () => true): Check =>
  ({ path, text }) =>
    where(path)
      ? text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))
      : []

/** Where a provider's name may stand: its own folder, the port's list of ids, the list of dialects. */
const KNOWS_PROVIDERS = /^src\/dialects\//

const PURE = /^src\/(model|wire|ledger|lifecycle|dialects)\//

const CHECKS: Readonly<Record<string, { readonly check: Check; readonly fault: Text }>> = {
  // A page that a rule is taken from may be cited anywhere: evidence is no knowledge.
  'no provider is named outside the dialects': {
    check: lines(/(?<!docs\.)(stripe|razorpay|kinde|airwallex)(?!\.com\/)/i, (path) => !KNOWS_PROVIDERS.test(path)),
    fault: { path: 'src/inbox/x.ts', text: "if (source.family === 'stripe') return" },
  },
  'pure rooms read no clock and no randomness': {
    check: lines(
      /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|randomBytes|randomUUID|process\.(env|hrtime|pid|cwd))/,
      (path) => PURE.test(path),
    ),
    fault: { path: 'src/ledger/x.ts', text: 'const now = Date.now()' },
  },
  'only runtime reads the machine’s clock': {
    check: lines(/\b(Date\.now\(|new Date\(\)|performance\.now\()/, (path) => !path.startsWith('src/runtime/')),
    fault: { path: 'src/inbox/x.ts', text: 'const age = Date.now() - start' },
  },
  'the environment is read by the command line only': {
    check: lines(/process\.env/, (path) => !path.startsWith('src/cli/')),
    fault: { path: 'src/app/x.ts', text: "const key = process.env['KEY']" },
  },
  'a note of work to do names its issue': {
    check: lines(/\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/),
    fault: { path: 'src/model/x.ts', text: '// TODO: later' },
  },
  'no linter or compiler is silenced': {
    check: lines(/@ts-(ignore|nocheck|expect-error)|(eslint|oxlint)-disable|prettier-ignore/),
    fault: { path: 'src/model/x.ts', text: '// @ts-ignore' },
  },
  'every export says what it is': {
    check: ({ path, text }) =>
      text.split('\n').flatMap((line, index, all) => {
        if (!/^export (async )?(function\*?|const|class|interface|type) \w/.test(line)) return []
        // Of overloads, the first one has the comment.
        const isSaid = /\*\/$|^export function /.test(all[index - 1] ?? '')
        return isSaid ? [] : [`${path}:${index + 1}: ${line.trim()}`]
      }),
    fault: { path: 'src/model/x.ts', text: 'export const LIMIT = 5' },
  },
  'files are named in snake_case': {
    check: ({ path }) => (/\/[a-z0-9_/]+\.ts$/.test(path) ? [] : [path]),
    fault: { path: 'src/model/secretBox.ts', text: '' },
  },
}

describe('The source is tidy:', () => {
  const files = filesUnder('src')

  it.each(Object.entries(CHECKS))('%s', (_name, { check, fault }) => {
    expect(check(fault)).not.toEqual([])
    expect(files.flatMap((file) => check(file))).toEqual([])
  })
})
