// Opens the way in before there is none: a socket on this machine's loopback, handed to the sandbox in its network namespace, so that
// its page can be looked at from here. The namespace has no way out all the same.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openListeningSocket } from '../../src/net/listening-socket.js'

const inside = fileURLToPath(new URL('sandbox.ts', import.meta.url))
const page = openListeningSocket('127.0.0.1', 0)
const words = ['--pdeathsig', 'TERM', '--', 'unshare', '--net', '--', process.execPath, '--import', 'tsx', inside, ...process.argv.slice(2), '--page', '3']
const child = spawn('setpriv', words, { stdio: ['inherit', 'inherit', 'inherit', page] })
// The terminal's Ctrl-C reaches the sandbox by itself, which takes another signal for the same.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { child.kill('SIGTERM') })
child.on('exit', code => { process.exit(code ?? 1) })
