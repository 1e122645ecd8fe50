// A copy of the working tree in which one source at a time is another, and tests run that might notice. As root each test gets
// namespaces of its own, where nothing outside of the copy can be written and no other process be found: a change may well delete or
// end what it should not, and what it leaves running goes with its namespace.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Verdict = 'passed' | 'failed' | 'hung'

/** Milliseconds for a test file, which takes a few seconds where nothing waits for ever. */
const patience = 120_000

export class MutantCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'mutants-'))
  readonly #passing = new Map<string, boolean>()
  readonly #isApart: boolean

  constructor (root: string) {
    for (const file of execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0')) {
      if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(this.folder, file))
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'))
    if (existsSync(join(root, 'assets/boot'))) cpSync(join(root, 'assets/boot'), join(this.folder, 'assets/boot'), { recursive: true })
    mkdirSync(join(this.folder, 't'))
    this.#isApart = spawnSync('unshare', [...namespaces, 'true']).status === 0
  }

  close (): void { rmSync(this.folder, { recursive: true, force: true }) }

  /** A file as it was when the copy was made: the tree may go on meanwhile. */
  read (path: string): string { return readFileSync(join(this.folder, path), 'utf8') }

  /** Runs a function while the source is another. */
  async changed<T> (path: string, text: string, act: () => Promise<T>): Promise<T> {
    const before = this.read(path)
    writeFileSync(join(this.folder, path), text)
    try {
      return await act()
    } finally {
      writeFileSync(join(this.folder, path), before)
    }
  }

  /** Whether a test file passes without a change. */
  async passes (test: string): Promise<boolean> {
    const known = this.#passing.get(test)
    if (known !== undefined) return known
    const passes = await this.run(test) === 'passed'
    this.#passing.set(test, passes)
    return passes
  }

  /** Whether the compiler takes the changed tree. */
  compiles (): boolean { return spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'], { cwd: this.folder, stdio: 'ignore' }).status === 0 }

  /** Whether the linter takes the changed file: it finds a promise that nobody waits for. */
  isClean (path: string): boolean { return spawnSync(process.execPath, ['node_modules/eslint/bin/eslint.js', path], { cwd: this.folder, stdio: 'ignore' }).status === 0 }

  async run (test: string): Promise<Verdict> {
    const own = Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name) && name !== 'NODE_OPTIONS')
    const env = { ...Object.fromEntries(own), TMPDIR: join(this.folder, 't'), TAP_BAIL: '1', TAP_TIMEOUT: String(patience / 1000) }
    const words = [process.execPath, '--import=./scripts/lib/typescript.js', test]
    const [command = '', ...args] = this.#isApart ? ['unshare', ...namespaces, 'sh', '-c', enclose, 'sh', this.folder, ...words] : words
    const child = spawn(command, args, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { output = (output + text).slice(0, 2 ** 20) })
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      child.kill('SIGKILL')
    }, patience)
    const status = await new Promise(resolve => { child.once('close', resolve) })
    clearTimeout(timer)
    if (isOver) return 'hung'
    // A file that ends before it has a plan ran nothing.
    return status === 0 && /^1\.\.\d/m.test(output) ? 'passed' : 'failed'
  }
}

const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const enclose = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd "$1" && shift && exec "$@"'
