import { defineConfig } from 'vitest/config'

const source = (path: string): string => new URL(`./src/${path}`, import.meta.url).pathname

export default defineConfig({
  // Examples import the package as its users do; here its name means the sources.
  resolve: {
    alias: [
      { find: /^billhook\/receiver$/, replacement: source('receiver.ts') },
      { find: /^billhook\/testing$/, replacement: source('testing/index.ts') },
      { find: /^billhook$/, replacement: source('index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global_setup.ts'],
    // Two cores: one file per core at a time; a test that needs longer than this waits for something that never comes.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A port, timer or process that a test leaves behind must not be hidden by the next file.
    isolate: true,
    restoreMocks: true,
  },
})
