// Forces a folder to disk: a file that was made in it, renamed into it or deleted from it is only then sure to be found, or gone, after a
// power cut.
import { open } from 'node:fs/promises'

export async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
