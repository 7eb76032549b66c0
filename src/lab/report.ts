import { formatInstantShort } from '../model/instant.ts'
import { holds } from './emissions.ts'
import type { Line } from './emissions.ts'
import type { Mismatch } from './match.ts'
import { stepHolds } from './runner.ts'
import type { StepReport, StoryReport } from './runner.ts'

/** A report for people: one line for a story that held; what was expected and what came for one that did not. */
export function textReport(report: StoryReport): string {
  const mode = report.mode === 'run' ? '' : ` [${report.mode}]`
  const notes = report.notes.map((note) => `      ${note} means nothing here`)
  if (report.ok) return [`ok    ${report.story}${mode}  ${report.asserted} assertions`, ...notes].join('\n')
  const lines = [
    `FAIL  ${report.story}${mode}  ${report.title}`,
    ...report.faults.map((fault) => `      ${fault}`),
    ...notes,
  ]
  for (const step of report.steps) if (!stepHolds(step)) lines.push(...stepLines(step))
  return lines.join('\n')
}

function stepLines(step: StepReport): readonly string[] {
  const lines = [`      at ${formatInstantShort(step.at)}`]
  if (step.error !== null) lines.push(`        error: ${step.error}`)
  if (step.error !== null && step.emitted.length > 0) lines.push(`        emitted: ${step.emitted.join(', ')}`)
  if (!step.events.every(holds)) lines.push(...step.events.flatMap(eventLines))
  for (const fault of [...step.state, ...step.access, ...step.deliveries]) lines.push(`        ${faultText(fault)}`)
  return lines
}

const MARKS = {
  same: ' ',
  missing: '-',
  unexpected: '+',
  skipped: ' ',
  companion: ' ',
  elsewhere: ' ',
  never: '!',
} as const satisfies Record<Line['kind'], string>

function eventLines(line: Line): readonly string[] {
  if (line.kind === 'skipped') return []
  const note = {
    missing: '  (expected, not emitted)',
    unexpected: '  (emitted, not expected)',
    never: '  (must never be emitted)',
    same: '',
    companion: '',
    elsewhere: '  (optional, elsewhere in the story)',
  }
  const head = `        ${MARKS[line.kind]} ${line.type}${note[line.kind]}`
  return line.kind === 'same' ? [head, ...line.mismatches.map((fault) => `            ${faultText(fault)}`)] : [head]
}

function faultText({ path, expected, found }: Mismatch): string {
  return `${path}: expected ${expected}, found ${found}`
}

/** Reports as JUnit XML, for build servers. */
export function junitReport(reports: readonly StoryReport[]): string {
  const failures = reports.filter(({ ok }) => !ok).length
  const cases = reports.map((report) => {
    const name = `${report.story} [${report.mode}]`
    const body = report.ok ? '' : `<failure message="${escape(report.title)}">${escape(textReport(report))}</failure>`
    return `  <testcase classname="billhook" name="${escape(name)}" assertions="${report.asserted}">${body}</testcase>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="billhook run" tests="${reports.length}" failures="${failures}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n')
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Everything but the characters that XML 1.0 can carry: half pairs too. @source XML 1.0, production 2 (Char) */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

function escape(text: string): string {
  return text.replaceAll(NOT_IN_XML, '?').replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
