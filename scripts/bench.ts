// Runs one benchmark by name: `npm run bench -- tftp [arguments]`.
import { runNamed } from './lib/run-named.js'

await runNamed('bench')
