// What the unit file sets for the service: who measures the program starts it so.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './project.js'

/** As commands of a shell. */
export function unitEnvironment (): string {
  const unit = readFileSync(join(projectRoot, 'systemd/core-provisioner.service'), 'utf8')
  return [...unit.matchAll(/^Environment=(\w+=\S+)$/gm)].map(([, setting]) => `export ${setting}; `).join('')
}
