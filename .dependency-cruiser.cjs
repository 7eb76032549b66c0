// Turns tools/house/rooms.json into rules. Everything that a room may not import is forbidden, so a new folder or
// package is refused until somebody writes it into the table.
const { builtinModules } = require('node:module')
const table = require('./tools/house/rooms.json')

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const roomPath = (name) => (name.endsWith('.ts') ? `^src/${escape(name)}$` : `^src/${escape(name)}/`)
// `node:*` is every module of Node itself, and no package.
const outsidePath = (name) => {
  if (name === 'node:*') return `^(node:)?(${builtinModules.concat('sqlite').map(escape).join('|')})$`
  return name.startsWith('node:') ? `^(node:)?${escape(name.slice(5))}$` : `(^|node_modules/)${escape(name)}(/|$)`
}

const rules = []
for (const [room, { rooms, outside }] of Object.entries(table.rooms)) {
  rules.push({
    name: `${room}-rooms`,
    comment: `${room} may import only: ${[room, ...rooms].join(', ')}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: [room, ...rooms].map(roomPath) },
  })
  rules.push({
    name: `${room}-outside`,
    comment: `${room} may use only: ${outside.join(', ') || 'nothing from outside'}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { pathNot: ['^src/', ...outside.map(outsidePath)] },
  })
}
for (const family of table.dialects.families) {
  const allowed = [
    `dialects/${family}`,
    ...table.dialects.shared.map((file) => `dialects/${file}`),
    ...table.dialects.rooms,
  ]
  rules.push({
    name: `dialects-${family}`,
    comment: `dialects/${family} may import only: ${allowed.join(', ')}`,
    severity: 'error',
    from: { path: `^src/dialects/${family}/` },
    to: { pathNot: allowed.map(roomPath) },
  })
}
rules.push(
  {
    name: 'dialect-port',
    comment: 'the port knows the vocabulary and the wire, no provider',
    severity: 'error',
    from: { path: '^src/dialects/dialect\\.ts$' },
    to: { pathNot: ['^src/model/', '^src/wire/'] },
  },
  {
    name: 'registry',
    comment: 'the list of dialects is imported only where things are wired',
    severity: 'error',
    from: { path: '^src/', pathNot: table.dialects.registryImportedBy.map(roomPath) },
    to: { path: '^src/dialects/registry\\.ts$' },
  },
  {
    name: 'no-dev-dependency',
    comment: 'the published package must not need a development dependency',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'no-circle',
    comment: 'no circle of imports',
    severity: 'error',
    from: { path: '^src/' },
    to: { circular: true },
  },
  {
    name: 'resolvable',
    comment: 'every import must resolve',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
)

module.exports = {
  forbidden: rules,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}
