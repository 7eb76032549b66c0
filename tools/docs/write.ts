/** Writes the generated documents: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { sightings } from './catalogue.ts'
import { catalogueDocument, documents } from './documents.ts'

const all = {
  ...documents(),
  'docs/catalogue.md': catalogueDocument(await sightings()),
}

for (const [path, text] of Object.entries(all)) {
  writeFileSync(new URL(`../../${path}`, import.meta.url), text)
  console.log(path)
}
