// A publisher of images in a network of its own: publisher-program.ts FOLDER. Writes its key to FOLDER/key.asc, and prints where it is, the key's
// fingerprint, and the sha256 of the files of a Flatcar release 4000.2.0 and a Fedora CoreOS release 43.1.2.3.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeKey, Publisher } from './publisher.js'

const [, , folder = ''] = process.argv
const key = await makeKey('publisher')
const publisher = await Publisher.start()
const made = [await publisher.flatcar('4000.2.0', key), await publisher.fedora('43.1.2.3', key, { origin: publisher.url })]
writeFileSync(join(folder, 'key.asc'), key.publicKey)
const files = Object.fromEntries(made.flatMap(files => [...files].map(([name, body]) => [name, createHash('sha256').update(body).digest('hex')])))
process.stdout.write(`${JSON.stringify({ url: publisher.url, fingerprint: key.fingerprint, files })}\n`)
