// What install.sh has to do, as it reads it: a line a step, with a verb that the shell has a function for, three words for it, and what
// is said of it. What is done already is no step.
import { AppError } from '../base/errors.js'

type StepVerb =
  | 'copy' | 'group' | 'account' | 'folder' | 'give' | 'give_root' | 'put' | 'keep' | 'certs' | 'drop' | 'link' | 'allow'
  | 'assign' | 'reload_firewall' | 'label' | 'gateway_on' | 'gateway_off' | 'remove' | 'stop' | 'clear' | 'daemon_reload'
  | 'forbid' | 'release' | 'unlabel' | 'leave' | 'purge' | 'no_account'

export interface SetupStep {
  readonly verb: StepVerb
  /** Three at most. */
  readonly words: readonly string[]
  /** What is told of it: `write /etc/core-provisioner/config.yaml`. */
  readonly says: string
}

export const step = (verb: SetupStep['verb'], says: string, ...words: readonly string[]): SetupStep => ({ verb, words, says })

/** As the shell reads them; AppError `config_invalid` for a word that it could not. */
export const stepsText = (steps: readonly SetupStep[]): string => steps.map(({ verb, words, says }) =>
  `${verb} ${Array.from({ length: 3 }, (_, index) => word(words[index] ?? '') || '-').join(' ')} ${says.replaceAll('\n', ' ')}\n`).join('')

/** Lists of words, by the name of the variable. */
export type Settings = Readonly<Record<string, readonly string[]>>

/** As a shell reads them. */
export const settingsText = (settings: Settings): string => Object.entries(settings).map(([name, words]) => `${name}='${words.map(word).join(' ')}'\n`).join('')

/** Whether a shell reads it as one word. */
export const isWord = (text: string): boolean => /^[\w.:,@/~+-]*$/.test(text)

/** A word of a list that a shell reads. */
function word (text: string): string {
  if (!isWord(text)) throw new AppError('config_invalid', `install.sh cannot set up ${JSON.stringify(text)}: a name that a unit of systemd cannot have`)
  return text
}
