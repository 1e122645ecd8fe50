// Takes every instance of inotify that its user may have, and keeps them until its input ends; prints how many those were.
import koffi from 'koffi'

const start = koffi.load('libc.so.6').func('int inotify_init()') as () => number
let count = 0
while (start() >= 0) count++
process.stdout.write(`${count} instances\n`)
process.stdin.resume()
