// npm run soak -- image: the Dockerfile built by buildah and started (test/interop/image-build.test.ts): some four minutes, and what npm
// and Debian have to be fetched for it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export async function run (): Promise<void> {
  const child = spawn('npx', ['--no-install', 'tap', '--reporter=terse', 'test/interop/image-build.test.ts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, BUILD_IMAGE: '1' }
  })
  const [status] = await once(child, 'exit') as [number | null]
  if (status !== 0) process.exitCode = 1
}
