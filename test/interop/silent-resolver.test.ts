// The name server answers nothing, as a resolver whose way out is cut: machines boot, and the service ends when it is told to.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { builtProgram } from '../helpers/built.js'
import { NetworkNamespace, namespaceProblem, type Running } from '../helpers/netns.js'
import { layOutBootSite } from '../helpers/boot-site.js'
import { able } from '../helpers/tools.js'
import { typescript } from '../helpers/typescript.js'

const program = builtProgram()
const bootMachine = fileURLToPath(new URL('../helpers/boot-machine.ts', import.meta.url))
const mac = '52:54:00:00:00:41'

/** More receivers than the program has threads for names: each asks for its own name as soon as the service starts. */
const receivers = Array.from({ length: 16 }, (_, n) => `http://hook${n}.example.org/told`)

interface Site {
  readonly space: NetworkNamespace
  /** Starts the program where names are asked of servers that say nothing. */
  readonly run: (...args: readonly string[]) => Running
  readonly machine: NetworkNamespace
}

async function layOut (t: Test): Promise<Site> {
  const { folder, config, space } = layOutBootSite(t, {
    kernel: 'image',
    macs: [mac],
    config: { boot: { script_url: 'http://boot.example.org/boot.ipxe' }, webhooks: receivers.map(url => ({ url })) }
  })
  writeFileSync(join(folder, 'assets/image'), Buffer.alloc(3_000_000))
  const told = receivers.map((url, n) => JSON.stringify({ id: `msg_${n}`, url, at: Date.now(), body: '{}' }))
  writeFileSync(join(folder, 'state/webhooks.jsonl'), told.map(line => `${line}\n`).join(''))
  // The most that resolv.conf(5) allows: each name takes minutes.
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 172.30.250.1\nnameserver 172.30.250.2\nnameserver 172.30.250.3\noptions timeout:30 attempts:5\n')
  const servers = space.client('br0')
  for (const n of [1, 2, 3]) servers.ip('address', 'add', `172.30.250.${n}/16`, 'dev', 'eth0')
  await servers.spawn(process.execPath, '-e', 'require("dgram").createSocket("udp4").bind(53, () => console.log("deaf"))').line(/deaf/)
  return {
    space,
    machine: space.client('br0', mac),
    run: (...args) => space.spawn('sh', '-c', `mount --bind ${folder}/resolv.conf /etc/resolv.conf; exec "$@"`, 'sh', process.execPath, program, ...args, '--config', config)
  }
}

/** How it ended; what goes on for as long as a service manager waits (TimeoutStopSec=) is killed. */
async function endOf ({ child, ended }: Running): Promise<number | string> {
  const late = setTimeout(() => { child.kill('SIGKILL') }, 20_000)
  return await ended.finally(() => { clearTimeout(late) })
}

t.test('names that nobody answers stop no boot, and no stop', async t => {
  if (!able(t, namespaceProblem())) return
  const { run, machine } = await layOut(t)
  const running = run('serve')
  await running.line(/"msg":"appliance\.ready"/)
  t.match(running.output(), /boot\.example\.org does not resolve here \(no answer within 2 s from 172\.30\.250\.1, 172\.30\.250\.2, 172\.30\.250\.3\)/)
  const booting = machine.spawn(process.execPath, typescript, bootMachine, 'eth0', mac)
  t.equal(await booting.ended, 0, booting.output())
  t.match(JSON.parse(booting.output().trimEnd().split('\n').at(-1) ?? '{}'), { type: 'ACK', address: '172.30.0.41', loader: 200_000, script: /^200 #!ipxe/, ignition: /^200 / })
  running.child.kill('SIGTERM')
  t.equal(await endOf(running), 0)
  t.match(running.output(), /"orderly":true,"msg":"appliance\.end"/)
})

t.test('nor does check wait for them longer than it says', async t => {
  if (!able(t, namespaceProblem())) return
  const { run } = await layOut(t)
  const running = run('check')
  t.equal(await endOf(running), 0, running.output())
  t.match(running.output(), /boot\.example\.org does not resolve here \(no answer within 2 s from 172\.30\.250\.1, 172\.30\.250\.2, 172\.30\.250\.3\)/)
})
