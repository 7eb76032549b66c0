import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

const pages = ['.', 'docs', 'docs/decisions', 'scenarios', 'examples/recipes'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)

/** The name under which a heading can be linked. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

/** Links of a page to files and headings of this repository that are not there. */
function deadLinks(page: string, text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? join(root, page) : join(root, dirname(page), path)
    if (!existsSync(target)) return [`${page}: ${link}`]
    if (anchor === undefined) return []
    const content = path === '' ? text : readFileSync(target, 'utf8')
    const anchors = [...content.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))
    return anchors.includes(anchor) ? [] : [`${page}: ${link}`]
  })
}

it('Documents link to files and headings that exist', () => {
  expect(pages).toContain('docs/receiving.md')
  expect(deadLinks('README.md', '[a](docs/nowhere.md) [b](docs/ledger.md#nothing) [c](docs/ledger.md)')).toEqual([
    'README.md: docs/nowhere.md',
    'README.md: docs/ledger.md#nothing',
  ])
  expect(pages.flatMap((page) => deadLinks(page, readFileSync(join(root, page), 'utf8')))).toEqual([])
})

it('Every decision is in the list of decisions', () => {
  const list = readFileSync(join(root, 'docs/decisions/README.md'), 'utf8')
  const decisions = readdirSync(join(root, 'docs/decisions')).filter((name) => /^\d/.test(name))
  expect(decisions.length).toBeGreaterThan(0)
  expect(decisions.filter((name) => !list.includes(`(${name})`))).toEqual([])
})
