// The thread that sends images, as built, until the test ends.
import type { Test } from 'tap'
import { ImageThread, type ImageThreadOptions } from '../../src/assets/file-sender.js'
import { builtProgram } from './built.js'
import { FakeClock } from './fake-clock.js'

export function imageThread (t: Test, options: Partial<ImageThreadOptions> = {}): ImageThread {
  builtProgram()
  const sender = new ImageThread({ clock: new FakeClock(), most: 100, onCrash: error => { t.fail(error.message) }, ...options })
  t.teardown(() => sender.close())
  return sender
}
