// Runs the project's TypeScript as it stands, for tests and what they start: node --import=./scripts/lib/typescript.js FILE.ts
// Most of what a short test takes is its start; tsx, which does the same for any project, adds a quarter of a second of CPU to each.
import { register } from 'node:module'

register('./typescript-hooks.js', import.meta.url)
process.setSourceMapsEnabled(true)
