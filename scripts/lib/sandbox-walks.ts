// The ways of people who come from another program, walked from their own files to machines that boot: cluster-builder's with Tectonic
// (docs/tectonic.md), and pxe_coreos' (docs/migrating.md). Every step is the command that the document names.
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openGrpcClient } from '../../src/grpc/client.js'
import type { SandboxMachine } from './sandbox-store.js'
import type { Teller } from './sandbox-stories.js'

const run = promisify(execFile)

interface Step { readonly expectOf: (what: string, holds: boolean) => void, readonly problems: readonly string[] }

function steps (print: Teller['print']): Step {
  const problems: string[] = []
  return {
    problems,
    expectOf: (what, holds) => {
      print(`${holds ? 'as it should be' : 'FAILED'}: ${what}`)
      if (!holds) problems.push(what)
    }
  }
}

interface Done { readonly code: number, readonly stdout: string, readonly stderr: string }

/** Runs a command of the program in the folder of the walk, and shows how it begins to answer. */
const commands = ({ root, configFile, print }: Teller, folder: string) => async (...args: readonly string[]): Promise<Done> => {
  print(`$ core-provisioner ${args.join(' ')}`)
  const words = [join(root, 'bin/core-provisioner'), ...args, '--config', configFile]
  const done = await run(process.execPath, words, { cwd: folder }).then(done => ({ code: 0, ...done }), (error: unknown) => error as Done)
  const { stdout, stderr } = done
  for (const line of `${stdout}${stderr}`.trimEnd().split('\n').slice(0, 12)) print(`  ${line}`)
  return done
}

/** The lists of cluster-builder, one machine a controller and the others workers. */
function writeLists (folder: string, machines: readonly SandboxMachine[]): void {
  const [controllers, workers] = [machines.slice(0, 1), machines.slice(1)]
  const lines = (some: readonly SandboxMachine[]): string => some.map(({ name, address }) => `${name}.sandbox.example ansible_host=${address}\n`).join('')
  writeFileSync(join(folder, 'hosts'), `[all:vars]
cluster_type=coreos-pxe
cluster_name=lab
network_dn=sandbox.example
[coreos_controllers]
${lines(controllers)}
[coreos_workers]
${lines(workers)}
`)
  const table = (some: readonly SandboxMachine[]): string => some.map(({ name, mac }) => `${mac},${name}.sandbox.example\n`).join('')
  writeFileSync(join(folder, 'manual-masters.csv'), `MASTER_MAC,HOST\n${table(controllers)}`)
  writeFileSync(join(folder, 'manual-workers.csv'), `WORKER_MAC,HOST\n${table(workers)}`)
}

export async function tectonic (teller: Teller): Promise<readonly string[]> {
  const { root, folder: work, url, machines, boot, print } = teller
  const { expectOf, problems } = steps(print)
  const folder = join(work, 'tectonic')
  mkdirSync(folder)
  writeLists(folder, machines)
  const command = commands(teller, folder)
  const imported = await command('hosts', 'import', 'hosts', 'manual-masters.csv', 'manual-workers.csv')
  expectOf('the hosts file and the CSV files are taken in', imported.code === 0)

  const exported = await command('hosts', 'export', '--format', 'tfvars', '--cluster', 'lab')
  const variables = JSON.parse(exported.stdout === '' ? '{}' : exported.stdout) as Record<string, unknown>
  const names = [...listOf(variables['tectonic_metal_controller_macs']), ...listOf(variables['tectonic_metal_worker_macs'])]
  expectOf('terraform.tfvars has each machine and says where this is',
    names.join() === machines.map(({ mac }) => mac).join() && variables['tectonic_metal_matchbox_http_url'] === url)

  await asTheProvider(root, variables, machines)
  const booted = await Promise.all(machines.map(machine => boot(machine, {})))
  for (const [n, { problem }] of booted.entries()) expectOf(`${machines[n]?.name ?? ''} boots with its reservation and applies its config${problem}`, problem === '')
  const waited = await command('machines', 'wait', '--all', '--stage', 'installed', '--timeout', '60s')
  expectOf('machines wait --all ends 0', waited.code === 0)
  return problems
}

const listOf = (value: unknown): readonly string[] => Array.isArray(value) ? value.map(String) : []

/**
 * What Terraform's matchbox provider sends for the profile and a group of each machine, in its order, with the certificates and the
 * endpoint that terraform.tfvars names. The provider itself comes from a registry, and the sandbox has no way out.
 */
async function asTheProvider (
  root: string, variables: Readonly<Record<string, unknown>>, machines: readonly SandboxMachine[]
): Promise<void> {
  const text = (key: string): string => String(variables[`tectonic_metal_matchbox_${key}`])
  const client = await openGrpcClient({ address: text('rpc_endpoint'), ca: text('ca'), cert: text('client_cert'), key: text('client_key') })
  try {
    const { boot } = JSON.parse(readFileSync(join(root, 'examples/profiles/node.json'), 'utf8')) as { readonly boot: object }
    await client.call('ProfilePut', { profile: { id: 'node', boot, ignition_id: 'node.ign' } })
    await client.call('IgnitionPut', { name: 'node.ign', config: readFileSync(join(root, 'examples/ignition/node.ign')) })
    for (const { name, mac } of machines) {
      await client.call('GroupPut', { group: { id: name, profile: 'node', selector: { mac }, metadata: Buffer.from(JSON.stringify({ hostname: name })) } })
    }
  } finally {
    client.close()
  }
}

export async function pxeCoreos (teller: Teller): Promise<readonly string[]> {
  const { folder: work, url, machines: [machine], boot, print } = teller
  const { expectOf, problems } = steps(print)
  if (machine === undefined) return ['there is no machine']
  const folder = join(work, 'pxe_coreos')
  mkdirSync(join(folder, 'templates'), { recursive: true })
  const { mac, name, address } = machine
  // With the comma too many of its own sample.
  writeFileSync(join(folder, 'pxe_hosts.json'), `{ "common": { "$public_ipv4_gw": "10.0.0.1" },
  "hosts": { "${address}": { "macaddr": "${mac}", "$hostname": "${name}", "$public_ipv4": "10.0.0.101", "channel": "stable", } } }
`)
  writeFileSync(join(folder, 'templates/default.yaml'), '#cloud-config\nhostname: $hostname\n# $private_ipv4 $public_ipv4 $public_ipv4_gw\n')
  const command = commands(teller, folder)
  const imported = await command('hosts', 'import', 'pxe_hosts.json', '--groups', '--templates', 'templates')
  expectOf('machines, channels and templates are taken in', imported.code === 0)
  const booted = await boot(machine, { expect: new RegExp(`machine: cloud # ${address} 10\\.0\\.0\\.101 10\\.0\\.0\\.1\\b`) })
  expectOf(`PXELINUX, the channel's kernel and cloud-config-url lead to the machine's own cloud-config${booted.problem}`, booted.problem === '')
  const preview = await fetch(`${url}/cloud?override_ipv4=${address}`).then(answer => answer.text())
  expectOf('override_ipv4 shows the same to a person', preview.includes(`hostname: ${name}\n`))
  const nobody = await fetch(`${url}/cloud`)
  expectOf('an unknown address gets a comment', nobody.status === 404 && /^#cloud-config\n\n#Please add 172\.30\.0\.1:/.test(await nobody.text()))
  return problems
}
