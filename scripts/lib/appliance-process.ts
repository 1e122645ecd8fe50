// The appliance as a child process, started the way a user starts it, and what it tells of its machines over HTTP.
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import type { Children } from './children.js'

export interface StageChange {
  readonly mac: string
  readonly stage: string
  /** The machine's address and what it was given, as far as they are known. */
  readonly detail: string
  /** Why the stage failed, '' when it did not. */
  readonly failed: string
}

export interface ApplianceOptions {
  readonly root: string
  readonly configFile: string
  /** Where its log goes. */
  readonly logFile: string
  /** Where it answers HTTP. */
  readonly url: string
}

const readyTimeout = 30_000
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const textOf = (value: unknown): string => typeof value === 'string' ? value : ''

/** Starts the appliance and waits until it answers /readyz. */
export async function startAppliance (children: Children, { root, configFile, logFile, url }: ApplianceOptions): Promise<ChildProcess> {
  const log = openSync(logFile, 'w')
  const child = children.start(process.execPath, [join(root, 'bin/core-provisioner'), 'serve', '--config', configFile], ['ignore', log, log])
  closeSync(log)
  await untilReady(child, url)
  return child
}

/** Waits until it answers /readyz; throws when it ends instead, or is not ready in time. */
export async function untilReady (child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + readyTimeout
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the appliance ended at its start (status ${child.exitCode ?? child.signalCode})`)
    const said = await fetch(`${url}/readyz`).then(async answer => answer.ok ? '' : `${answer.status} ${(await answer.text()).trim()}`, String)
    if (said === '') return
    if (Date.now() > deadline) throw new Error(`the appliance is not ready after ${readyTimeout / 1000} s: ${said}`)
    await delay(100)
  }
}

/** The payload of each server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
async function * events (body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split(/\r?\n\r?\n/)
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = block.split(/\r?\n/).flatMap(line => /^data: ?(.*)$/.exec(line)?.[1] ?? [])
      if (data.length > 0) yield data.join('\n')
    }
  }
}

/** Calls `onStage` for each stage that a machine reaches, from now until `signal`. Resolves when it listens. */
export async function watchStages (url: string, signal: AbortSignal, onStage: (change: StageChange) => void): Promise<void> {
  const answer = await fetch(`${url}/v1/events`, { signal, headers: { accept: 'text/event-stream' } })
  const { body } = answer
  if (!answer.ok || body === null) throw new Error(`GET /v1/events: ${answer.status}`)
  const read = async (): Promise<void> => {
    for await (const data of events(body)) {
      const value: unknown = JSON.parse(data)
      if (!isRecord(value) || typeof value.mac !== 'string' || typeof value.stage !== 'string') continue
      const detail = [...new Set([textOf(value.address), textOf(value.detail)])].filter(text => text !== '').join('  ')
      onStage({ mac: value.mac, stage: value.stage, detail, failed: textOf(value.failed) })
    }
  }
  read().catch((error: unknown) => { if (!signal.aborted) console.error(`sandbox: lost /v1/events: ${String(error)}`) })
}

/** The stages that a machine has reached, as the appliance has them when it is asked; none when it does not answer. */
export async function stagesReached (url: string, mac: string): Promise<readonly string[]> {
  const answer: unknown = await fetch(`${url}/v1/machines/${mac}`).then(async found => found.ok ? await found.json() : undefined, () => undefined)
  const timeline: readonly unknown[] = isRecord(answer) && Array.isArray(answer.timeline) ? answer.timeline : []
  return timeline.flatMap(entry => isRecord(entry) && entry.failed === undefined ? textOf(entry.stage) : [])
}
