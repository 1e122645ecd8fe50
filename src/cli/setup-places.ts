// Where an installation is: the folders and files that install.sh and the units name.
import { defaultConfigFile } from '../config/load.js'

const standard = {
  config: defaultConfigFile,
  environment: '/etc/core-provisioner/environment',
  certificates: '/etc/matchbox',
  data: '/var/lib/matchbox',
  state: '/var/lib/core-provisioner',
  versions: '/opt/core-provisioner',
  units: '/etc/systemd/system',
  firewalld: '/etc/firewalld',
  command: '/usr/local/bin/core-provisioner',
  accounts: '/etc'
} as const

export type SetupPlaces = Readonly<Record<keyof typeof standard, string>>

/** All of them below a folder that stands for /. */
export const placesBelow = (root: string): SetupPlaces =>
  Object.fromEntries(Object.entries(standard).map(([name, path]) => [name, root + path])) as SetupPlaces

export const places: SetupPlaces = standard

/** Whom the service runs as. */
export const serviceUser = 'matchbox'
