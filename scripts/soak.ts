// Runs one long test by name: `npm run soak -- dhcp [arguments]`. CI runs their short forms.
import { runNamed } from './lib/run-named.js'

await runNamed('soak')
