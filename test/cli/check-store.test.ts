// check and doctor on stores in which something is amiss, as whoever keeps groups under version control runs them.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { shortFolder } from '../helpers/short-folder.js'
import { runCommand } from '../helpers/command.js'
import { Program } from '../helpers/program.js'

const butane = 'variant: fcos\nversion: 1.5.0\n'

/** A store in which all is well, with these files over it. */
function store (t: Test, files: Readonly<Record<string, string | Buffer>> = {}): string {
  const folder = t.testdir({})
  const well = {
    'groups/a.json': '{"id": "a", "profile": "p", "selector": {"mac": "52:54:00:00:00:0a"}, "metadata": {"host": "node1", "ip": "10.0.0.1"}}',
    'profiles/p.json': '{"id": "p", "boot": {"kernel": "/assets/k", "initrd": ["/assets/i"], "args": []}, "ignition_id": "p.yaml"}',
    'ignition/p.yaml': `${butane}storage:\n  files:\n    - path: /etc/hostname\n      contents: { inline: "{{.host}}" }\n`
  }
  for (const [name, text] of Object.entries({ ...well, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const check = async (folder: string, ...args: string[]) => await runCommand(['check', '--store', folder, ...args])
const lines = (folder: string, text: string): string[] => text.split('\n').filter(line => line !== '').map(line => line.replaceAll(`${folder}/`, ''))

t.test('a store in which all is well', async t => {
  t.match(await new Program(['check', '--store', store(t)]).end(), { status: 0, stdout: '', stderr: '' })
  t.match(await check(store(t)), { status: 0, stdout: '', stderr: '' })
})

// What is put over the good store, and the lines that are told: errors end 1, warnings and notes do not.
const group = (more: string, id = 'b'): string => `{"id": "${id}", "profile": "p", ${more}, "metadata": {"host": "node2"}}`
const rows: ReadonlyArray<readonly [what: string, files: Readonly<Record<string, string | Buffer>>, told: readonly string[]]> = [
  ['a profile that is not there', { 'groups/b.json': '{"id": "b",\n "profile": "pp", "selector": {"x": "y"}}' },
    ['groups/b.json:2:13: error: names the profile "pp", which is not there: its machines get 404']],
  ['a profile with a slip', { 'profiles/worker.json': '{"id": "worker"}', 'groups/b.json': '{"id": "b", "profile": "wroker", "selector": {"x": "y"}}' },
    ['groups/b.json:1:24: error: names the profile "wroker", which is not there: its machines get 404; did you mean "worker"?']],
  ['no profile', { 'groups/b.json': '{"id": "b", "selector": {"x": "y"}}' }, ['groups/b.json:1:2: error: names no profile: its machines get 404']],
  ['configs that are not there', { 'profiles/q.json': '{"id": "q", "ignition_id": "p",\n"cloud_id": "c", "generic_id": "g"}' }, [
    'profiles/q.json:1:28: error: names ignition/p, which is not there: /ignition answers 404; did you mean "p.yaml"?',
    'profiles/q.json:2:13: error: names cloud/c, which is not there: /cloud answers 404',
    'profiles/q.json:2:32: error: names generic/g, which is not there: /generic answers 404'
  ]],
  ['paths that nothing serves', { 'profiles/q.json': '{"id": "q", "boot": {"kernel": "/k", "initrd": ["--name i i", "http://elsewhere/i", "assets/j"]}}' }, [
    'profiles/q.json:1:32: error: "/k" is not under /assets/: machines get 404; is "/assets/k" meant?',
    'profiles/q.json:1:49: error: "i" is not under /assets/: machines get 404; is "/assets/i" meant?'
  ]],
  ['addresses that no machine has', {
    'groups/b.json': '{"id": "b", "profile": "p", "selector": {"mac": "FF-FF-FF-FF-FF-FF"}, "metadata": {"host": "h"}}',
    'groups/c.json': '{"id": "c", "profile": "p", "selector": {"mac": "00:00:00:00:00:00"}, "metadata": {"host": "h"}}',
    'groups/d.json': '{"id": "d", "profile": "p", "selector": {"mac": "52:54:00:00:00:01,01:00:5e:00:00:01"}, "metadata": {"host": "h"}}'
  }, [
    "groups/b.json:1:49: warning: ff:ff:ff:ff:ff:ff is no machine's address: it stands for many, and never matches",
    "groups/c.json:1:49: warning: 00:00:00:00:00:00 is no machine's address: it is none, and never matches",
    "groups/d.json:1:49: warning: 01:00:5e:00:00:01 is no machine's address: it stands for many, and never matches"
  ]],
  ['what other notations allow, and no UTF-8', {
    'groups/b.json': '{"id": "b", // a remark\n}',
    'groups/c.json': "{'id': 'c'}",
    'groups/d.json': Buffer.from('{"id": "d", "profile": "p", "selector": {"x": "\xff"}, "metadata": {"host": "h"}}', 'latin1'),
    'ignition/q.yaml': Buffer.from(`${butane}storage:\n  files:\n    - path: /\xe4\xff\n`, 'latin1'),
    'cloud/c': '#cloud-config\nusers:\n\t- a\n',
    'cloud/d': '#cloud-config\n\nhello\n'
  }, [
    'groups/b.json:1:13: error: invalid character \'/\' looking for beginning of object key string (JSON has no comments; keys that begin with "_" are passed over)',
    "groups/c.json:1:2: error: invalid character '\\'' looking for beginning of object key string (JSON has its texts in double quotes)",
    'groups/d.json:1:48: warning: an octet that is not UTF-8: it is read as U+FFFD',
    /^ignition\/q\.yaml:5:14: error: yaml: .*UTF-8/.source,
    'cloud/c:3:1: error: yaml: found character that cannot start any token',
    'cloud/d:3:1: error: a cloud-config has keys (hostname: node1); this has none'
  ]],
  ['what a machine does not send, or gets twice', {
    'groups/b.json': '{"id": "b", "profile": "p", "selector": {"uuid": "4C4C4544-0000-2010-8020-80C04F202020"}, "metadata": {"host": "h"}}',
    'groups/c.json': '{"id": "c", "profile": "p", "selector": {"mac": "52:54:00:00:00:0c"}, "metadata": {"host": "h", "ip": "10.0.0.1"}}',
    'profiles/q.json': '{"id": "q", "boot": {"kernel": "/assets/../k", "initrd": ["/assets/x/../i"]}}'
  }, [
    'groups/b.json:1:50: warning: machines send their UUID in small letters, and labels are compared letter by letter: is "4c4c4544-0000-2010-8020-80c04f202020" meant?',
    /^groups\/c\.json:1:103: error: the address is also that of .*groups\/a\.json:1:107: one of the two machines does not get it$/.source,
    'profiles/q.json:1:32: error: "/assets/../k" leads out of /assets/: machines get 404'
  ]],
  ['a snippet and a file that a template calls', {
    'snippets/s': 'one\n{{.nobody}}\n',
    'files/etc/motd': '\n\n {{.nobody}}\n',
    'ignition/p.yaml': `${butane}# {{template "s" .}}\n`,
    'generic/g': '{{index .files "etc/motd"}}',
    'profiles/q.json': '{"id": "q", "generic_id": "g"}',
    'groups/b.json': '{"id": "b", "profile": "q", "selector": {"x": "y"}}'
  }, [
    'snippets/s:2:3: error: executing "s" at <.nobody>: map has no entry for key "nobody" (as rendered for group a)',
    'files/etc/motd:3:4: error: executing "" at <.nobody>: map has no entry for key "nobody" (as rendered for group b)'
  ]],
  ['no kernel', { 'profiles/q.json': '{"id": "q", "boot": {}}' }, ['profiles/q.json:1:22: error: boots no kernel: its script stops the machine']],
  ['images that are not there', { 'assets/k': '', 'assets/i': '', 'profiles/q.json': '{"id": "q", "boot": {"kernel": "/assets/k", "initrd": ["/assets/i", "/assets/j"], "args": ["root=/assets/r"]}}' }, [
    'profiles/q.json:1:69: error: boots /assets/j, which is not there: machines get 404',
    'profiles/q.json:1:92: error: boots /assets/r, which is not there: machines get 404'
  ]],
  ['another id than the file\'s name', { 'groups/b.json': group('"selector": {"x": "y"}', 'c'), 'profiles/q.json': '{"id": "Q"}', 'profiles/below/r.json': '{"id": "r"}' }, [
    'groups/b.json:1:8: error: the id is "c", the file is called "b": profiles are found by the file\'s name, and the API would write another file',
    'profiles/q.json:1:8: error: the id is "Q", the file is called "q": profiles are found by the file\'s name, and the API would write another file'
  ]],
  ['snippets that do not parse', { 'snippets/a': 'well {{.x}}\n', 'snippets/b': 'one\ntwo {{.x', 'snippets/c': '{{define "d"}}\n{{nothing .x}}\n{{end}}', 'snippets/d/e': '{{' }, [
    'snippets/b:2:1: error: unclosed action',
    'snippets/c:2:1: error: function "nothing" not defined'
  ]],
  ['the same selector in another spelling, and in a list', { 'groups/b.json': group('"selector": {"mac": "52-54-00-00-00-0A"}'), 'groups/c.json': group('"selector": {"mac": "52:54:00:00:00:0b, 5254.0000.000a"}', 'c') },
    [/^groups\/[ab]\.json:1:\d+: error: the selector is also that of .*groups\/[abc]\.json:1:\d+, which machines get instead \(mac=52:54:00:00:00:0a\)$/, /^groups\/[ab]\.json.*groups\/c\.json/].map(String)],
  ['selectors for selector', { 'groups/b.json': group('"selectors": {"x": "y"}') }, [
    'groups/b.json:1:2: warning: no selector: matches every machine that no other group matches',
    'groups/b.json:1:29: error: unknown key "selectors", which is passed over; did you mean "selector"?'
  ]],
  ['unknown and repeated keys', { 'groups/b.json': '{"id": "b", "profile": "p", "_comment": "", "selector": {"x": "y", "x": "z"}, "SELECTOR": {}, "labels": {}, "metadata": {"host": "h"}}', 'profiles/q.json': '{"id": "q", "ignition": "p.yaml", "boot": {"kernel": "/assets/k", "cmdline": {}}}' }, [
    'groups/b.json:1:68: warning: the key "x" stands twice',
    'groups/b.json:1:79: warning: the key "selector" stands twice',
    'groups/b.json:1:95: error: unknown key "labels", which is passed over (known: id, name, profile, selector, metadata)',
    'profiles/q.json:1:13: error: unknown key "ignition", which is passed over (known: id, name, ignition_id, cloud_id, boot, generic_id)',
    'profiles/q.json:1:67: error: unknown key "cmdline", which is passed over (known: kernel, initrd, args, resilient, shim)'
  ]],
  ['labels that no machine sends so', { 'groups/b.json': group('"selector": {"MAC": "52:54:00:00:00:0b", "x": " y"}') }, [
    'groups/b.json:1:42: warning: machines send their address as "mac", and labels are compared letter by letter: "MAC" never matches',
    'groups/b.json:1:75: warning: " y" has space around it, which a machine would have to send too'
  ]],
  ['what does not parse', { 'groups/b.json': '{"id": "b",\n}', 'groups/c.json': '{"id": "c", "selector": {"mac": "52"}}', 'groups/d.json': '{"profile": 5}', 'profiles/q.json': '{"id": "q", "boot": {"initrd": ["a",]}}', 'groups/e.json': '' }, [
    'groups/b.json:2:1: error: invalid character \'}\' looking for beginning of object key string (a trailing comma, which JSON does not allow)',
    'groups/c.json:1:33: error: selector mac: "52" is not a hardware address',
    'groups/d.json:1:13: error: profile has to be a string, not a number',
    'groups/e.json:1:1: error: unexpected end of JSON input: is the file cut?',
    'profiles/q.json:1:37: error: invalid character \']\' looking for beginning of value (a trailing comma, which JSON does not allow)'
  ]],
  ['files that nobody reads', { 'groups/b.yaml': '', 'groups/deep/c.json': '{}', 'profiles/q.jsn': '' }, [
    'groups/b.yaml: warning: is not read: only files whose names end in .json are groups',
    'groups/deep: warning: is not read: groups in folders are not read',
    'profiles/q.jsn: warning: is not read: only files whose names end in .json are profiles'
  ]],
  ['metadata', { 'groups/b.json': '{"id": "b", "profile": "p", "selector": {"mac": "52:54:00:00:00:0b"},\n"metadata": {"host": "h", "ip": "10.0.0.300", "install_once": "yes",\n"boot_from_disk": "no", "ignition_gaurd": true}}' }, [
    'groups/b.json:2:33: error: metadata ip is "10.0.0.300", which is no IPv4 address: nothing is reserved',
    'groups/b.json:2:63: error: metadata install_once is "yes", expected true or false',
    'groups/b.json:3:19: error: metadata boot_from_disk is "no", which is none of exit, sanboot, 404, auto',
    'groups/b.json:3:25: warning: metadata "ignition_gaurd" means nothing to this program, only to templates; did you mean "ignition_guard"?'
  ]],
  ['Butane', { 'ignition/p.yaml': `${butane}passwd:\n  users:\n    - name: core\n      ssh_authorised_keys: [k]\n      colour: red\nstorage:\n  files:\n    - path: {{.host}}\n` }, [
    'ignition/p.yaml:6:7: error: unused key ssh_authorised_keys; did you mean "ssh_authorized_keys"? (as rendered for group a)',
    'ignition/p.yaml:7:7: warning: unused key colour (as rendered for group a)',
    'ignition/p.yaml:10:13: error: path not absolute (as rendered for group a)'
  ]],
  ['Container Linux Config', { 'ignition/p.yaml': 'passwd:\n  users:\n    - name: core\n      ssh_authorised_keys: [k]\n' },
    ['ignition/p.yaml:4:7: error: Config has unrecognized key: ssh_authorised_keys; did you mean "ssh_authorized_keys"?']],
  ['a forgotten variant, and a config that no group leads to', { 'ignition/q.yaml': 'version: 1.5.0\nstorage: {}\n', 'ignition/r.yaml': 'a: {{.b' }, [
    /^ignition\/q\.yaml:1:1: error: version 1\.5\.0 is that of a Butane config, but it has no variant/.source,
    /^ignition\/r\.yaml:1:1: error: .*/.source
  ]],
  ['templates', { 'ignition/p.yaml': `${butane}# {{.nobody}}\n`, 'groups/b.json': group('"selector": {"x": "y"}'), 'profiles/q.json': '{"id": "q", "generic_id": "g"}', 'generic/g': '{{.request.query.mac}} {{.request.query.rack}}', 'groups/c.json': '{"id": "c", "profile": "q", "selector": {"x": "z"}}' }, [
    'generic/g:1:34: warning: executing "" at <.request.query.rack>: map has no entry for key "rack" (as rendered for group c)',
    'ignition/p.yaml:3:5: error: executing "" at <.nobody>: map has no entry for key "nobody" (as rendered for group a and 1 more)'
  ]],
  ['ready configs', { 'ignition/cut.ign': '{"ignition": {"version": "3.3.0"},\n"storage": {', 'ignition/comma.ign': '{"ignition": {"version": "3.3.0"},}', 'ignition/old.ign': '{"ignition": {"version": "3.99.0"}}', 'ignition/key.ign': '{"ignition": {"version": "3.3.0"}, "paswd": {}}', 'ignition/fine.ign': '{"ignition": {"version": "3.3.0"}}' }, [
    "ignition/comma.ign:1:35: error: served as it is, but not JSON: invalid character '}' looking for beginning of object key string (a trailing comma, which JSON does not allow)",
    'ignition/cut.ign:2:13: error: served as it is, but not JSON: unexpected end of JSON input: is the file cut?',
    /^ignition\/key\.ign:1:36: error: unused key paswd; did you mean "passwd"\?$/.source,
    'ignition/old.ign:1:26: error: unsupported config version'
  ]],
  ['a cloud-config', { 'cloud/c': 'hello\n', 'cloud/d': '#cloud-config\na: [\n' }, [
    'cloud/c:1:1: error: the first line is neither #cloud-config nor a script\'s #!',
    /^cloud\/d:\d+:\d+: error: .*/.source
  ]]
]

for (const [what, files, told] of rows) {
  t.test(what, async t => {
    const folder = store(t, files)
    const { status, stdout, stderr } = await check(folder)
    const said = lines(folder, stderr)
    // Warnings stand before errors; both in the order of the files.
    t.equal(said.length, told.length, said.join('\n'))
    for (const line of told) t.ok(said.includes(line) || (/^[/^]/.test(line) && said.some(one => new RegExp(line.replace(/^\/|\/$/g, '')).test(one))), `${line}\n${said.join('\n')}`)
    t.same([status, stdout], [told.some(line => line.includes('error: ')) ? 1 : 0, ''])
  })
}

t.test('warnings count where they are asked to', async t => {
  const folder = store(t, { 'groups/b.json': '{"id": "b", "profile": "p", "metadata": {"host": "h"}}' })
  t.equal((await check(folder)).status, 0)
  t.equal((await check(folder, '--strict')).status, 1)
})

t.test('so many as are asked for, the worst first', async t => {
  const folder = store(t, { 'groups/b.json': '{"id": "b", "profile": "gone"}', 'groups/c.json': '{"id": "c", "profile": "gone", "selector": {"x": "y"}}' })
  const said = JSON.parse((await check(folder, '--json', '--most', '2')).stdout) as { readonly findings: object[], readonly more: number, readonly error: object }
  t.match(said, { findings: [{ level: 'error', rule: 'missing-profile' }, { level: 'error', rule: 'missing-profile' }], more: 1, error: { message: /and 1 more/ } })
  t.notOk('more' in (JSON.parse((await check(folder, '--json', '--most', '3')).stdout) as object))
  t.match(await check(folder, '--most', '2'), { status: 1, stderr: /\n1 more finding\n$/ })
  t.match(await check(folder, '--most', '0'), { status: 2, stderr: /--most takes a number, not "0"/ })
})

t.test('for a pipeline: JSON, SARIF, annotations', async t => {
  const folder = store(t, { 'groups/a b,c.json': '{"id": "a b,c", "profile": "50%"}' })
  const json = await check(folder, '--json')
  t.match(JSON.parse(json.stdout), { problems: [/names the profile "50%"/], warnings: { length: 1 }, findings: [{ level: 'warning', rule: 'no-selector' }, { level: 'error', rule: 'missing-profile', file: `${folder}/groups/a b,c.json`, line: 1, column: 28 }] })
  const github = await check(folder, '--format', 'github')
  t.equal(github.status, 1)
  t.match(github.stdout, /^::warning file=.*a b%2Cc\.json,line=1,col=2,title=no-selector::no selector: .*\n::error file=.*,line=1,col=28,title=missing-profile::names the profile "50%25", which is not there/)
  const { runs: [run], version } = JSON.parse((await check(folder, '--format', 'sarif')).stdout)
  t.equal(version, '2.1.0')
  t.match(run, {
    tool: { driver: { name: 'core-provisioner', rules: [{ id: 'no-selector' }, { id: 'missing-profile', shortDescription: { text: /profile/ } }] } },
    results: [{ level: 'warning', ruleIndex: 0 }, { level: 'error', ruleIndex: 1, ruleId: 'missing-profile', message: { text: /names the profile/ }, locations: [{ physicalLocation: { artifactLocation: { uri: /^file:\/\/\/.*\/groups\/a%20b%2Cc\.json$/ }, region: { startLine: 1, startColumn: 28 } } }] }]
  })
  t.match(await check(folder, '--format', 'xml'), { status: 2, stderr: /--format takes one of text, json, sarif, github, not "xml"/ })
  t.match(await check(folder, '--config', '/x'), { status: 2, stderr: /--store looks at a folder alone: it does not go with --config/ })
  t.match(await check(t.testdir({ groups: 'a file' })), { status: 1, stderr: /groups: error: the folder cannot be read: ENOTDIR/ })
  t.match(await check(join(folder, 'groups')), { status: 1, stderr: /groups: error: is no store: there is none of groups, profiles/ })
  t.match(await check('/nowhere'), { status: 1, stderr: /there is no folder \/nowhere/ })
})

/** What SARIF 2.1.0 demands of a log (sections 3.13 to 3.54), as far as this program writes it. */
function sarifFaults (text: string): string[] {
  const { $schema, version, runs } = JSON.parse(text)
  const faults: string[] = []
  const is = (so: unknown, what: string): void => { if (so !== true) faults.push(what) }
  is(version === '2.1.0' && /sarif-2\.1\.0/.test($schema), 'version and $schema')
  is(Array.isArray(runs) && runs.length === 1, 'runs')
  for (const { tool: { driver }, results } of runs) {
    is(typeof driver.name === 'string' && driver.name !== '', 'tool.driver.name')
    const ids = driver.rules.map(({ id }: { id: string }) => id)
    is(new Set(ids).size === ids.length, 'each rule once')
    for (const { shortDescription } of driver.rules) is(shortDescription.text !== '', 'shortDescription')
    for (const { ruleId, ruleIndex, level, message, locations = [] } of results) {
      is(ids[ruleIndex] === ruleId, `ruleId ${ruleId}`)
      is(['none', 'note', 'warning', 'error'].includes(level), `level ${level}`)
      is(typeof message.text === 'string' && message.text !== '', 'message.text')
      for (const { physicalLocation: { artifactLocation: { uri }, region } } of locations) {
        // RFC 3986: what is in no URI is in percents, and a reference that is relative has no colon in its first part.
        is(/^(?:file:\/\/\/)?(?:[\w.~!$&'()*+,;=@/-]|%[0-9A-F]{2})+$/.test(uri), `uri ${uri}`)
        is(region === undefined || (Number.isInteger(region.startLine) && region.startLine >= 1 && (region.startColumn === undefined || region.startColumn >= 1)), `region of ${uri}`)
      }
    }
  }
  return faults
}

t.test('file names that mean something in URIs and workflow commands', async t => {
  const names = ['groups/a b#?.json', 'groups/50%25.json', 'groups/ü"\\.json', 'groups/x:y,z.json', 'groups/line\nbreak.json', 'groups/[1].json', 'groups/::error ::.json']
  const folder = store(t, { ...Object.fromEntries(names.map(name => [name, '{"profile": "%0A,:\\r\\n"}'])), 'groups/empty.json': '', 'profiles/c.json': '{"id": "c", "ignition_id": "cut.ign"}', 'ignition/cut.ign': '{' })
  const ended = await check(folder, '--format', 'sarif')
  t.match(ended, { status: 1, stderr: '' })
  t.same(sarifFaults(ended.stdout), [])
  const uris = new Set([...ended.stdout.matchAll(/"uri": "([^"]*)"/g)].map(([, uri = '']) => decodeURIComponent(uri)))
  for (const name of names) t.ok(uris.has(`file://${folder}/${name}`), name)
  const { stdout } = await check(folder, '--format', 'github')
  // As GitHub's runner reads them: a command a line, properties between commas, then the text.
  const told = stdout.trimEnd().split('\n').map(line => /^::(?:error|warning|notice) (\w+=[^,:\r]*(?:,\w+=[^,:\r]*)*)::([^\r]*)$/.exec(line))
  t.notOk(told.includes(null), stdout)
  const plain = (text: string): string => text.replace(/%(0D|0A|3A|2C|25)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  const files = new Set(told.flatMap(match => match?.[1]?.split(',').flatMap(pair => pair.startsWith('file=') ? [plain(pair.slice('file='.length))] : []) ?? []))
  for (const name of names) t.ok(files.has(`${folder}/${name}`), name)
  t.ok(told.some(match => plain(match?.[2] ?? '').includes('"%0A,:\\r\\n"')), 'a text')
})

t.test('all at once: each value of another kind, and what is no file', async t => {
  const folder = store(t, {
    'groups/types.json': '{"id": 5, "profile": ["p"], "selector": {"x": 1, "y": "z"}, "metadata": [1], "nmae": "n"}',
    'profiles/types.json': '{"id": "types", "ignition_id": {}, "boot": {"kernel": 5, "initrd": ["a", 1], "args": {"a": 1}, "resilient": "yes", "shim": 1, "kernal": "k"}}',
    'profiles/flag.json': '{"id": "flag", "boot": {"kernel": "/assets/k", "resilient": "yes"}}'
  })
  mkdirSync(join(folder, 'groups/folder.json'))
  symlinkSync('/nowhere', join(folder, 'groups/link.json'))
  symlinkSync('loop.json', join(folder, 'groups/loop.json'))
  symlinkSync('/dev/null', join(folder, 'ignition/null.bu'))
  symlinkSync('.', join(folder, 'ignition/own'))
  symlinkSync('../..', join(folder, 'profiles/above'))
  const ended = await check(folder)
  t.equal(ended.status, 1)
  t.same(lines(folder, ended.stderr).sort(), [
    'groups/folder.json: warning: is not read: it is a folder',
    'groups/link.json: warning: is not read: it is a link to /nowhere, which is not there',
    "groups/loop.json: error: ELOOP: too many symbolic links encountered, stat 'groups/loop.json'",
    'groups/types.json:1:23: error: profile has to be a string, not an array',
    'groups/types.json:1:47: error: selector.x has to be a string, not a number',
    'groups/types.json:1:74: error: metadata has to be an object, not an array',
    'groups/types.json:1:78: error: unknown key "nmae", which is passed over; did you mean "name"?',
    'groups/types.json:1:8: error: id has to be a string, not a number',
    'ignition/own: warning: is not read: it is a link to ., the folder that it lies in',
    'profiles/above: warning: is not read: it is a link to ../.., the folder that it lies in',
    'ignition/null.bu: error: it is no file but a pipe, a socket or a device',
    'profiles/flag.json:1:61: error: boot.resilient has to be true or false, not a string',
    'profiles/types.json:1:33: error: ignition_id has to be a string, not an object',
    'profiles/types.json:1:55: error: boot.kernel has to be a string, not a number',
    'profiles/types.json:1:74: error: boot.initrd[] has to be a string, not a number',
    'profiles/types.json:1:87: error: boot.args has to be a list of strings, not an object',
    'profiles/types.json:1:109: error: boot.resilient has to be true or false, not a string',
    'profiles/types.json:1:124: error: boot.shim has to be a string, not a number',
    'profiles/types.json:1:127: error: unknown key "kernal", which is passed over; did you mean "kernel"?'
  ].sort())
})

t.test('machines that are numbered through are told of once, and only where they are alike', async t => {
  const files: Record<string, string> = { 'ignition/p.yaml': `${butane}storage:\n  files:\n    - path: /etc/{{.host}}\n      mode: {{.mode}}\n      contents: { inline: "{{.ip}} {{.mac}}" }\n    - path: /etc/{{.other}}\nsystemd:\n  units:\n    - { name: a.service, enabled: true, contents: "[Service]" }\n` }
  for (let n = 0; n < 300; n++) {
    const [other, mode] = [n === 7 ? 'node7' : `web${n}`, n === 9 ? 'rw' : '0644']
    files[`groups/g${n}.json`] = `{"id": "g${n}", "profile": "p", "selector": {"mac": "52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}"}, "metadata": {"host": "node${n}", "other": "${other}", "mode": "${mode}", "ip": "10.0.${n >> 8}.${n & 255}"}}`
  }
  const folder = store(t, files)
  rmSync(join(folder, 'groups/a.json'))
  const said = lines(folder, (await check(folder)).stderr)
  t.match(said.find(line => line.includes('no install section')), /^ignition\/p\.yaml:11:\d+: warning: .* \(as rendered for group g\d+ and \d+ more\)$/)
  t.ok(said.some(line => /error: .*\/etc\/node7|error: duplicate/i.test(line)), 'two files of one name')
  t.ok(said.some(line => /^ignition\/p\.yaml:\d+:\d+: error: .*\(as rendered for group g9\)$/.test(line)), 'a mode that is no number')
})

t.test('a configuration names the store; doctor tells of it too, and what cannot be acted on is not told', async t => {
  const folder = store(t, {
    'groups/b.json': '{"id": "b", "profile": "pp"}', 'groups/c.json': '{"id": "c",}', 'profiles/q.json': '{"id": "q", "boot": {}}', 'ignition/cut.ign': '{', 'snippets/s': '{{', 'config.yaml': ''
  })
  const config = join(folder, 'config.yaml')
  const control = join(shortFolder(t), 's')
  writeFileSync(config, `data_path: ${folder}\nstate_path: ${folder}/state\nassets_path: ${folder}/assets\ncontrol_socket: ${control}\ntftp: { address: "" }\nrpc: { address: "" }\nhttp: { address: "127.0.0.1:0" }\n`)
  const checked = await new Program(['check', '--config', config]).end()
  t.equal(checked.status, 1)
  t.match(checked.stderr, /groups\/b\.json:1:24: error: names the profile "pp"/)
  t.match(await runCommand(['check', '--config', config, '--without-store']), { status: 0, stderr: '' })
  const alone = lines(folder, (await check(folder)).stderr)
  t.equal(alone.length, 6, alone.join('\n'))
  const doctor = lines(folder, (await new Program(['doctor', '--config', config]).end()).stdout)
  for (const line of alone) {
    t.ok(lines(folder, checked.stderr).includes(line), line)
    const [, place = '', level, text = ''] = /^(\S+): (error|warning): (.*)$/.exec(line) ?? []
    t.ok(doctor.some(said => said.startsWith(level === 'error' ? 'PROBLEM  store: ' : 'warning  store: ') && said.endsWith(`${place}: ${text}`)), line)
  }
  for (const format of ['sarif', 'github']) {
    const { status, stdout } = await runCommand(['check', '--config', config, '--format', format])
    t.equal(status, 1)
    t.ok(/missing-profile/.test(stdout) && stdout.includes(join(folder, 'groups/b.json')), format)
  }
  t.notMatch((await runCommand(['check', '--config', config, '--set', 'tftp.address=127.0.0.1:0'])).stderr, /arm64/)
  t.match((await runCommand(['check', '--config', config, '--set', 'tftp.address=127.0.0.1:0', '--set', 'boot.uefi_arm64=mine.efi'])).stderr, /warning: boot loader mine\.efi is in none of/)
})
