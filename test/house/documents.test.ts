import { existsSync, readFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { describe, expect, it } from 'vitest'
import { documents } from '../../tools/docs/documents.ts'

const root = new URL('../../', import.meta.url)

describe('The generated documents', () => {
  it.each(Object.entries(documents()))('%s says what its table says', (path, text) => {
    const url = new URL(path, root)
    expect(existsSync(url) ? readFileSync(url, 'utf8') : '', 'run: npm run docs').toBe(text)
  })

  it('are written as the formatter wants them', async () => {
    const options = await resolveConfig(new URL('docs/errors.md', root))
    for (const [path, text] of Object.entries(documents()))
      expect(await format(text, { ...options, filepath: path }), path).toBe(text)
  })
})
