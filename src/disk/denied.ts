// What to do where a file is refused to this process: whose it is, whom the process runs as, and the command that mends it. Asked of
// /proc and /etc/passwd, which are there wherever the service is; where they are not, nothing more is said.
import { readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errnoOf } from '../base/errors.js'

export interface DeniedSources {
  /** Of this process (proc(5)): its second `Uid:` is the one that counts. */
  readonly status: string
  readonly passwd: string
}

const standard: DeniedSources = { status: '/proc/self/status', passwd: '/etc/passwd' }

/** `; FOLDER belongs to root, and this runs as matchbox: chown ...`, to stand behind the system's own words; '' for any other error. */
export function remedyFor (path: string, error: unknown, sources = standard): string {
  if (!isDenied(error)) return ''
  const me = effectiveUser(sources.status)
  // Root is refused by what no owner changes: a security module, another machine's disk.
  if (me === undefined || me === 0) return ''
  let wanted = resolve(path)
  for (let at = wanted; ; at = dirname(at)) {
    const found = lookAt(at)
    if (found instanceof Error) {
      if (dirname(at) === at) return ''
      // What can't even be looked at lies in the folder that refuses.
      if (isDenied(found)) wanted = dirname(at)
      continue
    }
    const [mine, theirs] = [me, found.uid].map(uid => nameOf(uid, sources.passwd))
    if (found.uid === me) return `; ${at} has mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')}: chmod u+rwX ${quoted(at)}`
    // A folder above what is wanted may be the system's, and is not to be given away.
    const command = at === wanted ? `chown -R ${mine}: ${quoted(at)}` : `install -d -o ${mine} ${quoted(wanted)}`
    return `; ${at} belongs to ${theirs}, and this runs as ${mine}: ${command}`
  }
}

/** The same for a secret, which its owner keeps: the group of this process is let in. */
export function remedyForSecret (path: string, error: unknown, sources = standard): string {
  const [me, found] = [effectiveUser(sources.status), lookAt(path)]
  if (!isDenied(error) || me === undefined || me === 0 || found instanceof Error || found.uid === me) return remedyFor(path, error, sources)
  const [mine, theirs] = [me, found.uid].map(uid => nameOf(uid, sources.passwd))
  return `; it belongs to ${theirs}, and this runs as ${mine}: chgrp ${mine} ${quoted(path)} && chmod 640 ${quoted(path)}`
}

/** The same for a file that is to be written: what replaces it goes into its folder, and what grows is the file itself. */
export const remedyForWriting = (path: string, error: unknown, sources = standard): string => {
  const folder = lookAt(dirname(resolve(path)))
  const isOurs = !(folder instanceof Error) && folder.uid === effectiveUser(sources.status)
  return remedyFor(isOurs ? path : dirname(path), error, sources)
}

const isDenied = (error: unknown): boolean => errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM'

function lookAt (path: string): Stats | Error {
  try {
    return statSync(path)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function readOr (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function effectiveUser (status: string): number | undefined {
  const uid = /^Uid:\t\d+\t(\d+)\t/m.exec(readOr(status))?.[1]
  return uid === undefined ? undefined : Number(uid)
}

/** By number where it has no name here. */
const nameOf = (uid: number, passwd: string): string =>
  readOr(passwd).split('\n').map(line => line.split(':')).find(([, , number]) => number === String(uid))?.[0] ?? String(uid)

/** As a shell takes it. */
const quoted = (path: string): string => /^[\w./@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
