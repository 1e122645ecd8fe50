import { fileURLToPath } from 'node:url'

/** The folder of the working tree. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
