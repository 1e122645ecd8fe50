// A boot stage by stage beside the one before it: as a picture, as a table, and in words what differs.
import { type Stage, stages } from '../machines/machine.js'
import type { MachineShown } from '../control/machine-shown.js'
import { type Html, html } from './html.js'
import { table, wide } from './page.js'

/** When a boot came to a stage first, in milliseconds since it began, and how long it was until the next one; undefined for the last. */
export interface StageTime { readonly at: number, readonly took: number | undefined }

export interface StageCompared {
  readonly stage: Stage
  readonly now: StageTime | undefined
  readonly before: StageTime | undefined
  readonly failed: boolean
  /** What is not as it was in the boot before; undefined where nothing much is, or it can't be told. */
  readonly differs: string | undefined
}

type Before = NonNullable<MachineShown['history']>[number]
type Timeline = MachineShown['timeline']

/** A stage that takes less more or less than this differs by chance. Milliseconds, and a share of what it took before. */
const least = 1000
const leastShare = 0.5

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Stages that either boot came to, in their order. `isStopped`: this boot gets no further by itself. */
export function compareBoots (timeline: Timeline, before: Before | undefined, isStopped: boolean): readonly StageCompared[] {
  const now = timesOf(firstOf(timeline))
  const kept = before?.stages
  const then = kept === undefined ? undefined : timesOf(stages.flatMap(stage => isTime(kept[stage]) ? [[stage, kept[stage]]] : []))
  const failed = new Set(timeline.filter(entry => entry.failed !== undefined).map(({ stage }) => stage))
  return stages.filter(stage => now.has(stage) || then?.has(stage) === true).map((stage): StageCompared => {
    const both = { now: now.get(stage), before: then?.get(stage) }
    return { stage, ...both, failed: failed.has(stage), differs: then === undefined ? undefined : difference(both, isStopped) }
  })
}

/** What a file holds may have been written by another version. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0

function firstOf (timeline: Timeline): ReadonlyArray<readonly [Stage, number]> {
  const first = new Map<Stage, number>()
  for (const { stage, ms } of timeline) if (!first.has(stage)) first.set(stage, ms)
  return [...first]
}

function timesOf (first: ReadonlyArray<readonly [Stage, number]>): ReadonlyMap<Stage, StageTime> {
  const inTime = first.toSorted(([, a], [, b]) => a - b)
  return new Map(inTime.map(([stage, at], index) => {
    const next = inTime[index + 1]?.[1]
    return [stage, { at, took: next === undefined ? undefined : next - at }]
  }))
}

function difference ({ now, before }: Pick<StageCompared, 'now' | 'before'>, isStopped: boolean): string | undefined {
  if (before === undefined) return 'was not in the boot before'
  if (now === undefined) return `${isStopped ? 'not reached' : 'not reached yet'}; the boot before was here after ${seconds(before.at)}`
  if (now.took === undefined || before.took === undefined) return undefined
  const more = now.took - before.took
  if (Math.abs(more) < Math.max(least, before.took * leastShare)) return undefined
  return `${seconds(Math.abs(more))} ${more > 0 ? 'longer' : 'shorter'} than in the boot before`
}

/** `isStopped`: this boot gets no further by itself. */
export function bootSection (timeline: Timeline, before: Before | undefined, isStopped: boolean): Html {
  const compared = compareBoots(timeline, before, isStopped)
  const differing = compared.filter(({ differs }) => differs !== undefined)
  const hasStages = compared.some(stage => stage.before !== undefined)
  return html`${picture(compared, before)}
${before !== undefined && html`<p id="differs">${!hasStages
    ? `The boot before took ${seconds(before.ms)}; how long its stages took was not written down.`
    : differing.length === 0
      ? 'No stage took much longer or shorter than in the boot before.'
      : `Unlike the boot before: ${differing.map(({ stage, differs }) => `${stage}: ${differs}`).join('. ')}.`}</p>`}
${hasStages && table('Stages beside the boot before', ['Stage', 'Began after', 'Took', 'Boot before: began after', 'Took', 'What differs'], compared.map(({ stage, now, before: then, differs }) =>
    html`<tr><th scope="row">${stage}</th>${[now, then].map(time => html`<td>${time === undefined ? '-' : seconds(time.at)}</td><td>${time?.took === undefined ? '-' : seconds(time.took)}</td>`)}<td>${differs !== undefined && html`<strong class="warning">${differs}</strong>`}</td></tr>`))}`
}

const left = 90
const width = 560
const row = 30

/** Of each stage this boot's bar, and below it, thinner, that of the boot before; what differs beside them. */
function picture (compared: readonly StageCompared[], before: Before | undefined): Html {
  const ends = compared.flatMap(stage => [stage.now, stage.before]).map(time => time === undefined ? 0 : time.at + (time.took ?? 0))
  const end = Math.max(1, ...ends, before?.ms ?? 0)
  const x = (ms: number): number => ms / end * width
  const bar = ({ at, took = 0 }: StageTime, kind: string, y: number, height: number): Html =>
    html`<rect class="${kind}" x="${(left + x(at)).toFixed(1)}" y="${y}" width="${Math.max(2, x(took)).toFixed(1)}" height="${height}"/>`
  const lines = compared.map(({ stage, now, before: then, failed, differs }, index) => {
    const y = index * row
    return html`<g><title>${stage}${now !== undefined && ` at ${seconds(now.at)}`}${then !== undefined && `, in the boot before at ${seconds(then.at)}`}</title><text x="0" y="${y + 15}">${stage}</text>
${now !== undefined && bar(now, failed ? 'bad' : 'good', y + 3, 13)}${then !== undefined && bar(then, 'before', y + 17, 6)}${differs !== undefined && html`<text x="${left + width + 8}" y="${y + 15}" class="small">! ${differs.replace(/[;,].*| than in.*/, '')}</text>`}</g>`
  })
  const y = compared.length * row
  const isWhole = before !== undefined && compared.every(stage => stage.before === undefined)
  return wide('Its stages as a picture', html`<svg class="waterfall" viewBox="0 0 860 ${y + (isWhole ? row : 4)}" role="img" aria-label="How long each stage took, and below it in the boot before; the tables below say the same">${lines}
${isWhole && html`<g><title>the boot before took ${seconds(before.ms)}</title><text x="0" y="${y + 15}">boot before</text>${bar({ at: 0, took: before.ms }, 'before', y + 8, 6)}</g>`}</svg>`)
}
