// The process: arguments and environment in, exit status out, signals in between. Nothing else touches `process`.
import { run } from './cli/run.js'

const stop = new Promise<string>(resolve => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { resolve(signal) })
})

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  terminal: process.stdout.isTTY,
  env: process.env,
  stop,
  onHangup: listener => { process.on('SIGHUP', listener) }
})
// What is still open (a kept-alive connection, a watcher) was given its time to finish by the command itself.
process.exit()
