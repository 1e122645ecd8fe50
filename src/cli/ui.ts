// ui: a password for the page, as a line of ui.users_file has it.
import { AppError } from '../base/errors.js'
import { hashPassword } from '../ui/access.js'
import { parse } from './arguments.js'
import { type Command, print, printJson } from './command.js'

const mostLetters = 1024

export const uiCommand: Command = {
  name: 'ui',
  run: async (args, io) => {
    const { values, positionals: [action, name = ''] } = parse(args, { json: { type: 'boolean' } }, 2)
    if (action !== 'password' || !/^[^:\s]{1,64}$/.test(name)) throw new AppError('usage', 'expected password and a name')
    // A letter of several octets may come in two pieces.
    const decoder = new TextDecoder()
    let password = ''
    for await (const piece of io.stdin) {
      password += decoder.decode(Buffer.from(piece as Buffer | string), { stream: true })
      if (password.length > mostLetters) throw new AppError('refused', `a password of more than ${mostLetters} letters is none`)
      if (password.includes('\n')) break
    }
    password = password.split('\n', 1)[0]!.replace(/\r$/, '')
    if (password.length < 8) throw new AppError('refused', 'expected a password of 8 letters at least, on a line of standard input')
    const line = `${name}:${await hashPassword(password)}`
    if (values.json === true) printJson(io.stdout, { line })
    else print(io.stdout, line)
    return 0
  }
}
