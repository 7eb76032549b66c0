/**
 * Billhook as part of another program: the whole service, started from a configuration, and everything that
 * `billhook/receiver` and `billhook/dialects` export. An application that only receives wants that entry point alone.
 */
export * from './dialects/index.ts'
export * from './receiver.ts'
export { parseConfig, SETTINGS } from './app/config.ts'
export type { Config, Environment, MailConfig, Setting } from './app/config.ts'
export type { AppParts } from './app/create.ts'
export { judge } from './app/judge.ts'
export type { Captured, Judgement } from './app/judge.ts'
export { VERSION } from './app/version.ts'
export { ERRORS } from './model/error.ts'
export { FACT_KINDS } from './model/facts.ts'
export type { Random } from './ports/random.ts'
export { serve } from './server/serve.ts'
export type { Service } from './server/serve.ts'
