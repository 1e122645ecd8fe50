// A walk through an iPXE script as iPXE takes it: commands joined by && and ||, goto, and a counter.

export interface IpxeRun {
  readonly fails?: (command: string) => boolean
  /** What `${name}` stands for. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The commands that were carried out, `exit`, `boot` and `reboot` among them; those of the walk itself left out. */
export function runIpxe (script: string, { fails = () => false, settings = {} }: IpxeRun): string[] {
  const lines = script.split('\n')
  const done: string[] = []
  let tries = 0
  for (let at = 1; at < lines.length && done.length < 500; at++) {
    let ok = true
    let jump: string | undefined
    for (const [, joint, command = ''] of lines[at]!.matchAll(/(&&|\|\||^)\s*((?:(?!&&|\|\|).)*)/g)) {
      if ((joint === '&&' && !ok) || (joint === '||' && ok) || command.startsWith(':')) continue
      const [word = '', ...rest] = command.trim().split(/\s+/).map(text => text.replace(/^\$\{(\w+)\}$/, (_, name: string) => name === 'tries' ? String(tries) : settings[name] ?? ''))
      if (word === 'goto') jump = rest[0]
      else if (word === 'set') tries = 0
      else if (word === 'inc') tries++
      else if (word === 'iseq') ok = rest[0] === rest[1]
      else if (word === '') ok = true
      else {
        done.push(command.trim())
        ok = !fails(command.trim())
        if (word === 'exit' || (ok && /^(?:boot|reboot|sanboot)$/.test(word))) return done
      }
      if (jump !== undefined) break
    }
    if (jump !== undefined) at = lines.indexOf(`:${jump}`)
    // A command that failed and was not caught ends the script.
    else if (!ok) return done
  }
  return done
}
