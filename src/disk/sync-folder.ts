// Names are as good as kept only when their folder is: what was made in it, renamed into it or deleted from it.
import { open } from 'node:fs/promises'

/** Forces a folder to disk. */
export async function syncFolder (folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
