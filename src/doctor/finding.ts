// What was found out about a configuration without starting it: for check, doctor and the log alike.

/** Where it stands: a file as a person would open it; line and column from 1, in characters, of what has a place in it. */
export interface FilePlace { readonly file: string, readonly line?: number | undefined, readonly column?: number | undefined }

export interface Finding {
  /**
   * A problem keeps machines from booting; a warning says that it may, and that only who wrote the configuration knows; a note
   * is what some of them may miss. serve tells problems and warnings at level warn.
   */
  readonly level: 'ok' | 'note' | 'warning' | 'problem'
  /** What was looked at: `tftp`, `interface`. */
  readonly about: string
  readonly text: string
  /** The command, or the setting, that mends it: as it is to be typed. */
  readonly fix?: string | undefined
  /** Lines that a person pastes elsewhere as they are. */
  readonly block?: string
  readonly place?: FilePlace | undefined
  /** What is configured does not fit this machine: nothing is installed with it. */
  readonly isUnfit?: boolean
  /** Another DHCP server answers, beside which this one works as a proxy. */
  readonly isOtherServer?: boolean
  /** By which others of its kind are found: `missing-profile`. */
  readonly rule?: string
}

/** `fix`: as in Finding, where the text names one that is whole. */
export const problem = (about: string, text: string, fix?: string): Finding => ({ level: 'problem', about, text, ...fix !== undefined && { fix } })
export const warning = (about: string, text: string): Finding => ({ level: 'warning', about, text })
export const note = (about: string, text: string, fix?: string): Finding => ({ level: 'note', about, text, ...fix !== undefined && { fix } })
export const fine = (about: string, text: string): Finding => ({ level: 'ok', about, text })

/** With its place before it: `groups/a.json:3:14: names a profile ...`. */
export const findingText = ({ place, text }: Finding): string => place === undefined ? text : `${placeText(place)}: ${text}`

export const placeText = ({ file, line, column }: FilePlace): string => [file, line, line === undefined ? undefined : column].filter(part => part !== undefined).join(':')
