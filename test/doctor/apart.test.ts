// A real child process in doctor's place: what it says, and what is said when it cannot.
import t from 'tap'
import { diagnoseApart } from '../../src/doctor/apart.js'

const run = (script: string, signal = new AbortController().signal): ReturnType<typeof diagnoseApart> =>
  diagnoseApart([process.execPath, '-e', script], { env: { NOTIFY_SOCKET: '/run/notify', LISTEN_FDS: '3', KEPT: 'yes' }, signal })

t.test('what it finds, also where that is a problem and its status says so', async t => {
  t.same(await run('console.log(JSON.stringify({ findings: [{ level: "problem", about: "tftp", text: "taken" }] })); process.exitCode = 1'),
    [{ level: 'problem', about: 'tftp', text: 'taken' }])
})

t.test('what a service manager hands to the service is not handed on', async t => {
  t.same(await run('const { KEPT, NOTIFY_SOCKET, LISTEN_FDS } = process.env; console.log(JSON.stringify({ findings: [[KEPT, NOTIFY_SOCKET ?? "", LISTEN_FDS ?? ""].join()] }))'), ['yes,,'])
})

t.test('that it cannot be asked is a finding', async t => {
  t.match(await run('console.error("no such file"); process.exit(1)'), [{ level: 'warning', about: 'doctor', text: 'doctor could not look: no such file', fix: 'core-provisioner doctor' }])
  t.match(await diagnoseApart(['/nonexistent'], { env: {}, signal: new AbortController().signal }), [{ level: 'warning', text: /ENOENT/ }])
  const ending = new AbortController()
  const asked = run('setInterval(() => {}, 1000)', ending.signal)
  ending.abort()
  t.match(await asked, [{ level: 'warning', text: /abort/ }], 'one that does not end by itself is ended')
})
