// The whole program on a network of its own: its data and configuration in a folder, a bridge on which it is 172.30.0.1, and
// machines there that ask for addresses.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { bundledProgram } from './built.js'
import { NetworkNamespace, type Running } from './netns.js'
import { shortFolder } from './short-folder.js'

export interface NetworkSite {
  readonly folder: string
  /** The configuration's file. */
  readonly config: string
  /** Where the program runs, with `br0`. */
  readonly space: NetworkNamespace
  /** Starts the program without waiting for anything. */
  readonly run: () => Running
  /** Starts it, and has it ready. */
  readonly start: () => Promise<Running>
}

/** `files` are laid out in the folder: `data`, and `assets` where images are served; `config` follows what every site has. */
export function networkSite (t: Test, files: Parameters<Test['testdir']>[0] & object, config: string | ((folder: string) => string)): NetworkSite {
  const folder = t.testdir(files)
  const file = join(folder, 'config.yaml')
  writeFileSync(file, `data_path: ${folder}/data
assets_path: ${'assets' in files ? `${folder}/assets` : '""'}
state_path: ${folder}/state
control_socket: ${shortFolder(t)}/c
rpc: { address: "" }
${typeof config === 'string' ? config : config(folder)}
`)
  const space = new NetworkNamespace()
  t.teardown(async () => { await space.close() })
  space.bridge('br0', '172.30.0.1/24')
  const run = (): Running => space.spawn(process.execPath, bundledProgram(), 'serve', '--config', file)
  const start = async (): Promise<Running> => {
    const program = run()
    await program.line(/"msg":"appliance\.ready"/)
    return program
  }
  return { folder, config: file, space, run, start }
}

/** What a DHCP client says that asks for an address on eth0, `tries` times with a second between; it sets none. */
export async function askForAddress (machine: NetworkNamespace, tries = 5): Promise<string> {
  const asking = machine.spawn('udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-s', '/bin/true', '-t', String(tries), '-T', '1')
  await asking.ended
  return asking.output()
}
