// What was found out about a configuration without starting it: for check, doctor and the log alike.

export interface Finding {
  /**
   * A problem keeps machines from booting; a warning says that it may, and that only who wrote the configuration knows; a note
   * is what some of them may miss. serve tells problems and warnings at level warn.
   */
  readonly level: 'ok' | 'note' | 'warning' | 'problem'
  /** What was looked at: `tftp`, `interface`. */
  readonly about: string
  readonly text: string
}

export const problem = (about: string, text: string): Finding => ({ level: 'problem', about, text })
export const warning = (about: string, text: string): Finding => ({ level: 'warning', about, text })
export const note = (about: string, text: string): Finding => ({ level: 'note', about, text })
export const fine = (about: string, text: string): Finding => ({ level: 'ok', about, text })
