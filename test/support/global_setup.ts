import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres_server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL that the test command started. */
    readonly postgresUrl: string
  }
}

/** Starts one PostgreSQL for the whole run. BILLHOOK_TEST_DATABASE_URL takes one that is there already. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['BILLHOOK_TEST_DATABASE_URL']
  if (given !== undefined && given !== '') {
    project.provide('postgresUrl', given)
    return async () => undefined
  }
  const server = await startPostgres()
  project.provide('postgresUrl', server.url)
  return () => server.stop()
}
