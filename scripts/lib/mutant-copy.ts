// A copy of the working tree in which one source at a time is another, and tests run that might notice. As root each test gets
// namespaces of its own, where nothing outside of the copy can be written and no other process be found: a change may well delete or
// end what it should not, and what it leaves running goes with its namespace.
import { type ChildProcess, execFileSync, spawn, spawnSync, type StdioOptions } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestCoverage } from './test-coverage.js'

export type Verdict = 'passed' | 'failed' | 'hung'

/** How a test file does without a change, and what of the sources it ran. */
export interface Baseline { readonly passes: boolean, readonly milliseconds: number, readonly coverage: TestCoverage }

/** Milliseconds, for a test file without a change. With one it has ten times as long as it took, and this at least. */
const patience = { first: 180_000, least: 60_000 }

/** Seconds of processor time, for a loop that never ends. */
const mostWork = 60

export class MutantCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'mutants-'))
  readonly #baselines = new Map<string, Baseline>()
  readonly #isApart: boolean
  readonly #enclose: string

  constructor (root: string) {
    // Some tests become another user, who is to get at it too.
    chmodSync(this.folder, 0o755)
    for (const file of execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0')) {
      if (file !== '' && existsSync(join(root, file))) cpSync(join(root, file), join(this.folder, file))
    }
    const modules = realpathSync(join(root, 'node_modules'))
    symlinkSync(modules, join(this.folder, 'node_modules'))
    // A /tmp of its own would hide them.
    this.#enclose = modules.startsWith('/tmp/') ? enclose('/run') : enclose('/run', '/tmp')
    if (existsSync(join(root, 'assets/boot'))) cpSync(join(root, 'assets/boot'), join(this.folder, 'assets/boot'), { recursive: true })
    mkdirSync(join(this.folder, 't'))
    chmodSync(join(this.folder, 't'), 0o1777)
    this.#isApart = spawnSync('unshare', [...namespaces, 'true']).status === 0
  }

  /** What a test left running may write to it still. */
  close (): void { rmSync(this.folder, { recursive: true, force: true, maxRetries: 20 }) }

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

  /** Not while a source is another. */
  async baseline (test: string): Promise<Baseline> {
    const known = this.#baselines.get(test)
    if (known !== undefined) return known
    const counts = mkdtempSync(join(this.folder, 't/counts-'))
    // A test may become another user.
    chmodSync(counts, 0o777)
    const started = performance.now()
    const passes = await this.#run(test, patience.first, { NODE_V8_COVERAGE: counts }) === 'passed'
    const baseline = { passes, milliseconds: performance.now() - started, coverage: new TestCoverage(counts, this.folder) }
    rmSync(counts, { recursive: true, force: true })
    this.#baselines.set(test, baseline)
    return baseline
  }

  /** Runs a test file whose baseline is known. */
  async run (test: string): Promise<Verdict> {
    return await this.#run(test, Math.max(patience.least, 10 * (this.#baselines.get(test)?.milliseconds ?? 0)))
  }

  /** A process for many runs, with a channel to it (warm-tests.ts). */
  startWarm (): ChildProcess {
    return this.#start(['scripts/lib/mutant-tests.js'], 'unlimited', ['ignore', 'ignore', 'ignore', 'ipc'], { TAP_TIMEOUT: '0' })
  }

  #start (words: readonly string[], seconds: number | 'unlimited', stdio: StdioOptions, more: Readonly<Record<string, string>>): ChildProcess {
    const own = Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name) && name !== 'NODE_OPTIONS')
    const env = { ...Object.fromEntries(own), TMPDIR: join(this.folder, 't'), ...more }
    const all = [process.execPath, ...words]
    const [command = '', ...args] = this.#isApart ? ['unshare', ...namespaces, 'sh', '-c', this.#enclose, 'sh', this.folder, String(seconds), ...all] : all
    return spawn(command, args, { cwd: this.folder, env, stdio })
  }

  async #run (test: string, milliseconds: number, variables: Readonly<Record<string, string>> = {}): Promise<Verdict> {
    const more = { TAP_BAIL: '1', TAP_TIMEOUT: String(milliseconds / 1000), ...variables }
    const child = this.#start(['--import=./scripts/lib/typescript.js', test], mostWork, ['ignore', 'pipe', 'ignore'], more)
    let output = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => { output = (output + text).slice(0, 2 ** 20) })
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      child.kill('SIGKILL')
    }, milliseconds)
    const status = await new Promise(resolve => { child.once('close', resolve) })
    clearTimeout(timer)
    if (isOver || /^not ok \d+ - timeout!$/m.test(output)) return 'hung'
    // A file that ends before it has a plan ran nothing.
    return status === 0 && /^1\.\.\d/m.test(output) ? 'passed' : 'failed'
  }
}

const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']

/**
 * Some programs write to /tmp and /run by name: these are empty folders of the test's own, in which the copy stands as before. The shell
 * stays the first process of the namespace: the kernel lets the first one not kill itself, and forgets to end it with `unshare` once it
 * was another user for a moment.
 */
const enclose = (...own: readonly string[]): string =>
  `mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd "$1" && ${own.map(folder => `mount -t tmpfs tmpfs ${folder} && `).join('')}` +
  'mkdir -p "$1" && mount --no-canonicalize --bind . "$1" && cd "$1" && ulimit -t "$2" && shift 2 || exit; "$@"; exit $?'
