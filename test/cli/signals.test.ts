// A signal while a command writes: it ends as a shell has it of a signal, in one line, and nothing is there by half.
import { mkdirSync, readdirSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Program } from '../helpers/program.js'
import { shortFolder } from '../helpers/short-folder.js'

const hex = (octet: number): string => octet.toString(16).padStart(2, '0')
const signals = [['SIGTERM', 143], ['SIGINT', 130]] as const

function configured (t: Test): { readonly folder: string, readonly config: string } {
  const folder = shortFolder(t)
  mkdirSync(join(folder, 'data/groups'), { recursive: true })
  mkdirSync(join(folder, 'state'))
  const config = join(folder, 'config.yaml')
  writeFileSync(config, `data_path: ${folder}/data
state_path: ${folder}/state
control_socket: ${folder}/c
rpc: { address: "" }
dhcp: { mode: server, interface: lo, subnets: [{ subnet: 10.0.0.0/8 }] }
`)
  return { folder, config }
}

t.test('an import as groups that a signal ends has written all of them or none', async t => {
  for (const [signal, status] of signals) {
    const { folder, config } = configured(t)
    const hosts = 3000
    const list = join(folder, 'hosts.csv')
    writeFileSync(list, `mac,hostname,ip\n${Array.from({ length: hosts }, (_, n) => `52:54:00:00:${hex(n >> 8)}:${hex(n & 255)},n${n},10.1.${n >> 8}.${n & 255}\n`).join('')}`)
    const groups = join(folder, 'data/groups')
    const seen = new Promise<void>(resolve => {
      const watching = watch(groups, (_, name) => {
        if (name?.endsWith('.json') !== true) return
        watching.close()
        resolve()
      })
    })
    const program = new Program(['hosts', 'import', list, '--groups', '--profile', 'node', '--config', config])
    t.teardown(() => program.child.kill('SIGKILL'))
    await seen
    const ended = await program.end(signal)
    const left = readdirSync(groups)
    if (ended.status === 0) {
      t.equal(left.length, hosts, `${signal}: it was done before`)
      continue
    }
    t.equal(ended.status, status)
    t.same(left, [], `${signal}: of ${hosts}`)
    t.equal(ended.stderr, `core-provisioner hosts: ended by ${signal} before all was written: nothing is changed\n`)
  }
})
