/** Writes the generated documents: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { sightings } from './catalogue.ts'
import { tellings } from './dialects.ts'
import { catalogueDocument, dialectsDocument, documents } from './documents.ts'

const all = {
  ...documents(),
  'docs/catalogue.md': catalogueDocument(await sightings()),
  'docs/dialects.md': dialectsDocument(await tellings()),
}

for (const [path, text] of Object.entries(all)) {
  writeFileSync(new URL(`../../${path}`, import.meta.url), text)
  console.log(path)
}
