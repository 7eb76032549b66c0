import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  exports: Readonly<Record<string, { readonly types?: string }>>
}

/** The source of each of the package's entry points, by the name that it is imported with. */
const entries = Object.entries(exports).flatMap(([name, { types }]): [string, string][] =>
  types === undefined
    ? []
    : [[name.replace(/^\./, 'billhook'), `${root}${types.replace('./dist/', 'src/').replace('.d.ts', '.ts')}`]],
)

/** The TypeScript examples of a page, one text. Elisions stand for what the reader fills in. */
function examplesOf(page: string): string {
  const text = readFileSync(`${root}${page}`, 'utf8')
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code).join('\n')
}

const pages = ['README.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)].filter(
  (page) => page.endsWith('.md') && examplesOf(page) !== '',
)

/** The compiler as an application uses it: strict, and without the rules of this repository that go beyond that. */
function compile(files: Readonly<Record<string, string>>): ts.Program {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object }
  }
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root)
  const own: ts.CompilerOptions = {
    ...options,
    noPropertyAccessFromIndexSignature: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
  const disk = ts.createCompilerHost(own)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => path in files || disk.fileExists(path),
    readFile: (path) => files[path] ?? disk.readFile(path),
    getSourceFile: (path, ...rest) => {
      const text = files[path]
      return text === undefined
        ? disk.getSourceFile(path, ...rest)
        : ts.createSourceFile(path, text, ts.ScriptTarget.ES2024)
    },
  }
  return ts.createProgram([...Object.keys(files), ...entries.map(([, path]) => path)], own, host)
}

const examples = Object.fromEntries(
  pages.map((page) => [`${root}examples/${page.replace(/\W/g, '_')}.ts`, examplesOf(page)]),
)
const program = compile(examples)
const checker = program.getTypeChecker()

function exportsOf(path: string): readonly ts.Symbol[] {
  const file = program.getSourceFile(path)
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
  return module === undefined ? [] : checker.getExportsOfModule(module)
}

describe('The package', () => {
  it.each(entries)('%s documents everything that it exports', (_name, path) => {
    const symbols = exportsOf(path)
    expect(symbols).not.toEqual([])
    const bare = symbols.filter((symbol) => {
      const meant = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      return meant.getDocumentationComment(checker).length === 0
    })
    expect(bare.map(({ name }) => name)).toEqual([])
  })

  it('has examples in its documents that compile', () => {
    expect(pages).toContain('README.md')
    const faults = Object.keys(examples).flatMap((path) =>
      ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(({ messageText, start, file }) => {
        const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1
        return `${relative(root, path)}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
      }),
    )
    expect(faults).toEqual([])
  })
})
