// The log of a command that is no service: what goes wrong inside, a JSON line each on standard error.
import { createLog, type Logger } from '../base/log.js'
import type { Io } from './command.js'

export const errorLog = ({ stderr }: Pick<Io, 'stderr'>): Logger => createLog({ level: 'error', pretty: false, destination: stderr })
