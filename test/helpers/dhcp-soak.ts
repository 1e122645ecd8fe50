// The server killed again and again while machines take leases: every ACK that was seen on the wire has to be in its file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseLease } from '../../src/dhcp/lease-file.js'
import { formatIpv4 } from '../../src/net/ipv4.js'
import type { ProgramOptions } from './dhcp-program.js'
import { NetworkNamespace } from './netns.js'
import { typescript } from './typescript.js'

const helper = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

export interface Killed {
  readonly acknowledged: number
  /** `MAC ADDRESS` of each ACK that no line of the file keeps. */
  readonly lost: readonly string[]
  readonly naks: number
}

/** Kills the server `rounds` times at random times; `random` gives numbers of 0 to 1. `onRound` hears of each. */
export async function killAgainAndAgain (rounds: number, folder: string, random: () => number, onRound = (_: Killed): void => {}): Promise<Killed> {
  const space = new NetworkNamespace()
  try {
    space.bridge('br0', '172.30.0.1/16')
    const clients = space.client('br0')
    clients.ip('address', 'add', '172.30.0.2/16', 'dev', 'eth0')
    const leases = join(folder, 'leases.jsonl')
    const options: ProgramOptions = { interface: 'br0', leases, range: '172.30.1.0-172.30.255.250', unknownClients: 'allow', quiet: true, probe: false }
    const load = clients.spawn(process.execPath, typescript, helper('dhcp-load'), '172.30.0.2', '172.30.0.1', String(Math.floor(random() * 256)), '500')
    for (let round = 0; round < rounds; round++) {
      const server = space.spawn(process.execPath, typescript, helper('dhcp-program'), JSON.stringify(options))
      await server.line(/^ready$/)
      await pause(20 + random() * 500)
      server.child.kill('SIGKILL')
      await server.ended
      onRound(compare(load.output(), leases))
    }
    load.child.kill('SIGKILL')
    await load.ended
    return compare(load.output(), leases)
  } finally {
    await space.close()
  }
}

function compare (output: string, file: string): Killed {
  const kept = new Set(readFileSync(file, 'utf8').split('\n').flatMap(line => {
    const lease = parseLease(line)
    return lease === undefined ? [] : [`${lease.mac} ${formatIpv4(lease.ip)}`]
  }))
  const answers = output.split('\n').slice(0, -1)
  const acknowledged = answers.filter(line => line.startsWith('ACK ')).map(line => line.slice(4))
  return { acknowledged: acknowledged.length, lost: acknowledged.filter(line => !kept.has(line)), naks: answers.filter(line => line.startsWith('NAK')).length }
}
