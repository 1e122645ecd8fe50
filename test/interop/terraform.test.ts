// Terraform itself with the matchbox provider, over the example that a person would copy: apply, an empty plan, a change,
// an empty plan, destroy. The provider comes from one of Terraform's plugin folders on this machine; nothing is downloaded.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { writeTerraform } from '../../src/inventory/formats/terraform.js'
import { layOutProgram, startProgram } from '../helpers/grpc-program.js'
import { makePki } from '../helpers/pki.js'
import { shortFolder } from '../helpers/short-folder.js'
import { findTool, runTool } from '../helpers/tools.js'

const example = fileURLToPath(new URL('../../scripts/terraform-example', import.meta.url))

const pluginFolders = [join(homedir(), '.terraform.d/plugins'), '/usr/local/share/terraform/plugins', '/usr/share/terraform/plugins']
const plugins = pluginFolders.find(folder => existsSync(join(folder, 'registry.terraform.io/poseidon/matchbox')))
const missing = findTool('terraform') === undefined
  ? 'terraform is not installed'
  : plugins === undefined && `no plugin folder has the matchbox provider: ${pluginFolders.join(', ')}`
// Terraform asks its makers for news otherwise.
process.env['CHECKPOINT_DISABLE'] = '1'

t.test('the example', { skip: missing }, async t => {
  const pki = makePki()
  const folder = shortFolder(t)
  const cwd = join(folder, 'example')
  cpSync(example, cwd, { recursive: true })
  const certificates = join(cwd, 'matchbox-certs')
  mkdirSync(certificates)
  writeFileSync(join(certificates, 'ca.crt'), pki.ca.cert)
  writeFileSync(join(certificates, 'client.crt'), pki.client.cert)
  writeFileSync(join(certificates, 'client.key'), pki.client.key)
  const terraform = async (...args: string[]): Promise<{ code: number | null, text: string }> => {
    const { code, stdout, stderr } = await runTool('terraform', [...args, '-no-color'], { cwd, timeout: 600_000 })
    return { code, text: `${stdout.toString()}${stderr}` }
  }
  const init = await terraform('init', '-input=false', `-plugin-dir=${plugins}`)
  t.equal(init.code, 0, init.text)
  const running = await startProgram(layOutProgram(folder, pki), pki)
  t.teardown(() => running.program.child.kill('SIGKILL'))
  const set = (mac: string): void => {
    writeFileSync(join(cwd, 'terraform.tfvars'), `rpc_endpoint = "${running.address}"
ssh_authorized_key = "ssh-ed25519 AAAA test"
machines = { core-c1 = { mac = "${mac}", ip = "192.168.100.41" } }
`)
  }
  const applied = async (what: string): Promise<void> => {
    const apply = await terraform('apply', '-auto-approve', '-input=false')
    t.equal(apply.code, 0, `${what}: ${apply.text}`)
    const plan = await terraform('plan', '-detailed-exitcode', '-input=false')
    t.equal(plan.code, 0, `${what}, then an empty plan: ${plan.text}`)
  }
  for (const mac of ['00:0c:29:bd:7f:ec', '00-0C-29-BD-7F-EC', '000c.29bd.7fed']) {
    set(mac)
    await applied(mac)
  }
  const destroy = await terraform('destroy', '-auto-approve', '-input=false')
  t.equal(destroy.code, 0, destroy.text)
  for (const kind of ['groups', 'profiles', 'ignition']) t.same(readdirSync(join(folder, 'data', kind)), [], kind)
})

t.test('an export is as terraform fmt has it', { skip: findTool('terraform') === undefined && 'terraform is not installed' }, async t => {
  const folder = shortFolder(t)
  const config = '{\n  "a": "$' + '{b}"\n}\n'
  const stored = {
    groups: ['core.c1', '1st'].map(id => ({
      id, name: '', profile: 'core', selector: new Map([['mac', '00:0c:29:bd:7f:ec']]), metadata: new Map([['ip', '192.168.100.41'], ['odd key', `a "b" ${config}`]])
    })),
    profiles: ['raw.ign', 'clc.yaml'].map(ignitionId => ({ id: ignitionId.slice(0, 3), name: '', boot: { kernel: '/k', initrd: ['/i', '/j'], args: [] }, ignitionId, cloudId: '', genericId: 'g' })),
    configOf: (kind: 'ignition' | 'generic') => kind === 'ignition' ? config : 'no end'
  }
  for (const importBlocks of [false, true]) {
    const text = writeTerraform(stored, { importBlocks })
    writeFileSync(join(folder, 'exported.tf'), text)
    t.equal(text.match(/^import \{$/gm)?.length ?? 0, importBlocks ? 4 : 0)
    const { code, stdout, stderr } = await runTool('terraform', ['fmt', '-check', '-diff', '-no-color', 'exported.tf'], { cwd: folder, timeout: 60_000 })
    t.equal(code, 0, `${stdout.toString()}${stderr}`)
  }
  t.match(writeTerraform(stored, { importBlocks: true }), /^import \{\n {2}to = matchbox_group\._1st\n {2}id = "1st"\n\}\n\nresource "matchbox_group" "_1st" \{$/m)
})
