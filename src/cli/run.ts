import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { junitReport, textReport } from '../lab/report.ts'
import type { StoryReport } from '../lab/runner.ts'
import { modesOf } from '../lab/modes.ts'
import type { Mode } from '../lab/modes.ts'
import { failedReport, runStory } from '../lab/run_story.ts'
import { readScenario } from '../lab/scenario.ts'
import type { Scenario } from '../lab/scenario.ts'
import { isBillhookError } from '../model/error.ts'
import { requireDuration } from '../model/duration.ts'
import { EXIT, UsageError } from './io.ts'
import type { CliIo, ExitCode } from './io.ts'

/** Longer than every provider waits for an answer. */
const SLOW = '40s'

interface RunOptions {
  readonly shuffle?: string
  readonly duplicate?: boolean
  readonly dropThenRetry?: boolean
  readonly tamper?: boolean
  readonly wrongSecret?: boolean
  readonly slow?: string | true
  readonly seed: string
  readonly databaseUrl?: string
  readonly json?: boolean
  readonly junit?: string
}

/**
 * `billhook run`: plays stories through both ends.
 * Exit code 0 if every assertion held, 1 if one did not, 2 on wrong usage or if a file is not a story.
 */
export function addRun(program: Command, io: CliIo, end: (code: ExitCode) => void): void {
  program
    .command('run')
    .description('play stories and check what is emitted, in which order, and who then has access')
    .argument('[file...]', 'story files, or folders with story files')
    .option('--shuffle <n>', 'deliver in n random orders')
    .option('--duplicate', 'deliver everything twice, and once more later')
    .option('--drop-then-retry', 'lose the first attempt of each delivery')
    .option('--tamper', 'send an altered copy before each delivery; all must be refused')
    .option('--wrong-secret', 'send a copy signed with a wrong secret before each delivery; all must be refused')
    .option('--slow [duration]', `answer only after this time (default: ${SLOW}; or PT30S), so that the sender retries`)
    .option('--seed <text>', 'seed of everything random; the same seed repeats a run', 'billhook')
    .option('--database-url <url>', 'play on PostgreSQL instead of the embedded store')
    .option('--json', 'print one JSON report per line')
    .option('--junit <file>', 'also write a JUnit report to this file')
    .action(async (files: readonly string[], options: RunOptions) => {
      end(await run(files, options, io))
    })
}

async function run(given: readonly string[], options: RunOptions, io: CliIo): Promise<ExitCode> {
  const json = options.json === true
  const { slow, files } = slowness(options.slow, given)
  if (files.length === 0) throw new UsageError('no story is given: name story files, or folders with story files')
  const stories = files.flatMap(storyFiles).map(readStory)
  const modes = modesOf({
    ...options,
    shuffle: options.shuffle === undefined ? 0 : Number(options.shuffle),
    slowMs: slow === null ? 0 : durationAt(slow),
  })
  const backend = {
    databaseUrl: options.databaseUrl ?? io.env['BILLHOOK_RUN_DATABASE_URL'] ?? null,
    temporaryFolder: tmpdir(),
  }
  const reports: StoryReport[] = []
  for (const story of stories)
    for await (const report of play(story, modes, backend)) {
      if (io.signal.aborted) throw new UsageError('interrupted')
      reports.push(report)
      io.out(`${json ? JSON.stringify(report) : textReport(report)}\n`)
    }
  if (options.junit !== undefined) writeFileSync(options.junit, junitReport(reports))
  const failed = reports.filter(({ ok }) => !ok).length
  if (!json) io.out(`${reports.length - failed} passed, ${failed} failed\n`)
  if (stories.some(isUnreadable)) return EXIT.usage
  return failed > 0 ? EXIT.failed : EXIT.ok
}

async function* play(
  story: Scenario | StoryReport,
  modes: readonly Mode[],
  backend: Parameters<typeof runStory>[2],
): AsyncGenerator<StoryReport> {
  if (isUnreadable(story)) yield story
  else for (const mode of modes) yield await runStory(story, mode, backend)
}

/** A story, or the report on a file that is none: the others are played anyway. */
function readStory(path: string): Scenario | StoryReport {
  try {
    return readScenario(path)
  } catch (error) {
    if (!isBillhookError(error)) throw error
    return failedReport({ story: path, title: 'not a story', mode: 'run', open: [] }, error.message)
  }
}

function isUnreadable(story: Scenario | StoryReport): story is StoryReport {
  return 'faults' in story
}

function storyFiles(path: string): readonly string[] {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new UsageError(`${path} does not exist`)
  if (!stats.isDirectory()) return [path]
  const found = readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(path, name))
  if (found.length === 0) throw new UsageError(`the folder ${path} has no stories (*.yaml)`)
  return found
}

/** What follows `--slow` may be the first story already. */
function slowness(
  option: string | true | undefined,
  files: readonly string[],
): { readonly slow: string | null; readonly files: readonly string[] } {
  if (option === undefined) return { slow: null, files }
  if (option === true) return { slow: SLOW, files }
  return existsSync(option) ? { slow: SLOW, files: [option, ...files] } : { slow: option, files }
}

/** `30s`, or an ISO 8601 duration. In milliseconds. */
function durationAt(text: string): number {
  const seconds = /^(\d{1,6})s$/.exec(text)?.[1]
  return seconds === undefined ? requireDuration(text, '--slow') : Number(seconds) * 1000
}
