// What doctor finds, a traffic light a check: a word and a sign beside the colour, and what mends it to copy.
import { ago, counted } from '../base/units.js'
import { type Html, html } from './html.js'
import { page, table } from './page.js'

export interface CheckShown {
  /** Several are about the same: the light is that of the worst. */
  readonly about: string
  readonly level: 'ok' | 'note' | 'warning' | 'problem'
  readonly text: string
  /** To be typed or pasted as it is. */
  readonly fix?: string | undefined
}

export interface HealthShown {
  readonly checks: readonly CheckShown[]
  /** When doctor looked, in milliseconds since the epoch; undefined when it has not come to its end yet. */
  readonly at: number | undefined
  readonly now: number
  readonly version: string
}

/** From the best to the worst. */
const levels = ['ok', 'note', 'warning', 'problem'] as const
const lights = {
  ok: { sign: '✓', word: 'good', many: 'good' },
  note: { sign: 'i', word: 'note', many: 'notes' },
  warning: { sign: '!', word: 'warning', many: 'warnings' },
  problem: { sign: '✗', word: 'problem', many: 'problems' }
} as const

const rank = ({ level }: Pick<CheckShown, 'level'>): number => levels.indexOf(level)

/** The worst first, otherwise in the order in which they were found. */
function byCheck (checks: readonly CheckShown[]): ReadonlyArray<{ readonly about: string, readonly level: CheckShown['level'], readonly found: readonly CheckShown[] }> {
  const groups = new Map<string, CheckShown[]>()
  for (const check of checks) {
    const others = groups.get(check.about)
    if (others === undefined) groups.set(check.about, [check])
    else others.push(check)
  }
  return [...groups].map(([about, found]) => ({ about, level: levels[found.reduce((worst, check) => Math.max(worst, rank(check)), 0)] ?? 'ok', found: found.toSorted((a, b) => rank(b) - rank(a)) }))
    .sort((a, b) => rank(b) - rank(a))
}

export function healthPage ({ checks, at, now, version }: HealthShown): Html {
  const rows = byCheck(checks)
  return page({ title: 'Health', tab: 'health' }, html`
<h1>Health</h1>
<div id="again" data-every="${at === undefined ? 5 : 60}">
<p>${levels.toReversed().map(level => counted(rows.filter(row => row.level === level).length, lights[level].word, lights[level].many)).join(', ')}. ${at === undefined
    ? 'doctor has not looked yet, or is looking: load the page again.'
    : html`doctor looked ${ago(now - at)}.`}</p>
${table('What is looked at', ['Light', 'Check', 'What'], rows.map(({ about, level, found }) => html`<tr><td><span class="light ${level}"><span class="sign" aria-hidden="true">${lights[level].sign}</span> ${lights[level].word}</span></td><th scope="row">${about}</th>
<td>${found.map(({ text, fix }) => html`<div class="finding">${text}${fix !== undefined && html`<details><summary>the fix</summary><pre tabindex="0"><code>${fix}</code></pre><button type="button" class="copy">Copy</button></details>`}</div>`)}</td></tr>`))}
</div>
<p>The same as root sees it, with who has which port: <code>core-provisioner doctor</code>. Version ${version}.</p>`)
}
