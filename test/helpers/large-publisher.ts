// A publisher of one large file, in a process of its own: large-publisher.ts ADDRESS PORT MEBIBYTES. Prints `sha256 DIGEST` of it when it
// listens. It sends as fast as it is read, but for the last mebibyte, which it keeps back until standard input ends.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'

const [, , address = '', port = '', size = '256'] = process.argv
const mebibytes = Number(size)
const block = randomBytes(2 ** 20)
const hash = createHash('sha256')
for (let n = 0; n < mebibytes; n++) hash.update(block)
const released = once(process.stdin.resume(), 'end')

createServer((_request, response) => {
  void (async () => {
    response.writeHead(200, { 'content-length': mebibytes * 2 ** 20, etag: '"one"' })
    for (let n = 0; n < mebibytes; n++) {
      if (n === mebibytes - 1) await released
      if (!response.write(block)) await once(response, 'drain')
    }
    response.end()
  })()
}).listen(Number(port), address, () => { process.stdout.write(`sha256 ${hash.digest('hex')}\n`) })
