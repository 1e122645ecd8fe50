// What was found out about a configuration without starting it: for check, doctor and the log alike.

export interface Finding {
  /** A problem keeps machines from booting; a note is what some of them may miss. */
  readonly level: 'ok' | 'note' | 'problem'
  /** What was looked at: `tftp`, `interface`. */
  readonly about: string
  readonly text: string
}

export const problem = (about: string, text: string): Finding => ({ level: 'problem', about, text })
export const note = (about: string, text: string): Finding => ({ level: 'note', about, text })
export const fine = (about: string, text: string): Finding => ({ level: 'ok', about, text })
