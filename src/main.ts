// The process: arguments and environment in, exit status out, signals in between. Nothing else touches `process`.
import { fstatSync, readFileSync, writeFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { AppError, errnoOf, messageOf } from './base/errors.js'
import { run } from './cli/run.js'

// ps, ss and the doctor of another installation show this name; Node would have its main thread called MainThread.
try { writeFileSync('/proc/self/comm', 'core-provisioner') } catch { /* no /proc: no Linux */ }

const stop = new Promise<string>(resolve => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { resolve(signal) })
  // Nobody reads on (EPIPE), the terminal is gone (EIO), the disk is full: what would go on for ever ends, what has an end comes to it.
  process.stdout.on('error', () => { resolve('SIGPIPE') })
})
// There is nowhere left to say so.
process.stderr.on('error', () => {})

// What the service manager hands to this process, and to no child of it (sd_listen_fds(3), sd_notify(3)).
const env = { ...process.env }
for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET', 'WATCHDOG_PID', 'WATCHDOG_USEC']) delete process.env[name]

// In a bundle the loader of the C library is what the kernel runs: Node would give that for its own program, and it takes no script.
const { CORE_PROVISIONER_LAUNCHER: launcher } = env
const [, script] = process.argv
const self = launcher !== undefined ? [launcher] : script !== undefined ? [process.execPath, script] : undefined

// What nobody caught. A service goes on without the part in which it arose, once it says so; everything else ends.
let onUncaught = (error: unknown): void => {
  process.stderr.write(`core-provisioner: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}
process.on('uncaughtException', error => { onUncaught(error) })

// A command that waits for nothing but a timer (a pause before another try) has not ended: Node would end it without a word.
setInterval(() => {}, 2 ** 31 - 1)

let isStuck = false
const status = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  terminal: Boolean(process.stdout.isTTY),
  journal: isJournal(1),
  env,
  pid: process.pid,
  ...self !== undefined && { self },
  uid: process.getuid?.() ?? -1,
  parent: () => process.ppid,
  actAs,
  become: (uid, gid) => {
    process.setgroups?.([gid])
    process.setgid?.(gid)
    process.setuid?.(uid)
  },
  stop,
  onHangup: listener => { process.on('SIGHUP', listener) },
  onStuck: () => { isStuck = true },
  onUncaught: listener => { onUncaught = listener }
})
const unwritten = process.stdout.errored
const isUnheard = unwritten !== null && ['EPIPE', 'EIO'].includes(errnoOf(unwritten))
if (unwritten !== null && !isUnheard) process.stderr.write(`core-provisioner: standard output could not be written: ${messageOf(unwritten)}\n`)
process.exitCode = status === 0 && unwritten !== null && !isUnheard ? 1 : status
// Whatever ended in this turn, as the write of the log's last line did, counts as under way until the next.
await turn()
// exit(3) waits for every thread: one that a disk holds which does not answer never ends, one that asks a name server which says nothing
// ends after minutes (three servers, two tries each, once for every domain of resolv.conf).
if (isStuck || process.getActiveResourcesInfo().some(name => name.startsWith('FSReq') || name.startsWith('GetAddrInfoReq'))) {
  const { openLibc } = await import('./net/libc.js')
  openLibc().endNow(Number(process.exitCode))
}
// What is still open (a kept-alive connection, a watcher) was given its time to finish by the command itself.
process.exit()

/** The groups beside the user's own. */
function groupsOf (user: string): number[] {
  const lines = readFileSync('/etc/group', 'utf8').split('\n').map(line => line.split(':'))
  return lines.filter(([, , , members = '']) => members.split(',').includes(user)).map(([, , gid]) => Number(gid))
}

/** With the user's groups, as a service manager starts it. */
function actAs (user: string): void {
  const [, , uid = '', gid = ''] = readFileSync('/etc/passwd', 'utf8').split('\n').map(line => line.split(':')).find(([name]) => name === user) ?? []
  if (uid === '') throw new AppError('usage', `there is no user ${user} in /etc/passwd`)
  if (process.getuid?.() === Number(uid)) return
  try {
    process.setgroups?.([Number(gid), ...groupsOf(user)])
    process.setgid?.(Number(gid))
    process.setuid?.(Number(uid))
  } catch (error) {
    throw new AppError('permission_denied', `only root can look with the eyes of ${user}: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * JOURNAL_STREAM names device and inode of what systemd connected; output that was sent elsewhere since has others. Before 231
 * it does not say: then it is the journal that the output of a service (Type=notify) goes to, if it goes to a socket.
 */
function isJournal (fd: number): boolean {
  const { JOURNAL_STREAM: stream, NOTIFY_SOCKET: manager } = env
  if (stream === undefined && manager === undefined) return false
  const output = fstatSync(fd)
  return stream === undefined ? output.isSocket() : stream === `${output.dev}:${output.ino}`
}
