// What a system call that failed is called: by what Node says of it, also where it has no name for it.
import { readFile } from 'node:fs/promises'
import { getSystemErrorMap, getSystemErrorName } from 'node:util'
import t from 'tap'
import { errnoOf, messageOf } from '../../src/base/errors.js'
import { writeError } from '../../src/disk/atomic-file.js'

/** As fs rejects with it. */
const failed = (errno: number): Error => {
  const [name, words] = getSystemErrorMap().get(-errno) ?? [getSystemErrorName(-errno), getSystemErrorName(-errno)]
  return Object.assign(new Error(`${name}: ${words}, stat '/srv/x'`), { code: name, errno: -errno })
}

t.test('as Node itself says it', async t => {
  const error = await readFile('/nowhere/x').catch((error: unknown) => error)
  const alike = failed(2)
  t.equal(messageOf(error), alike.message.replace("stat '/srv/x'", "open '/nowhere/x'"))
  t.equal(errnoOf(error), errnoOf(alike))
  t.equal(errnoOf(error), 'ENOENT')
})

t.test('what Linux says and libuv has no name for', async t => {
  for (const [errno, name, words] of [
    [116, 'ESTALE', /^ESTALE: stale file handle, as of a mount .*, stat '\/srv\/x'$/],
    [122, 'EDQUOT', /^EDQUOT: the disk quota is used up, stat '\/srv\/x'$/],
    [117, 'EUCLEAN', /^EUCLEAN: the file system is damaged/],
    [74, 'EBADMSG', /^EBADMSG: a check sum on the disk is wrong/],
    [67, 'ENOLINK', /^ENOLINK: /],
    [37, 'ENOLCK', /^ENOLCK: /],
    [123, 'ENOMEDIUM', /^ENOMEDIUM: /],
    [999, 'Unknown system error -999', /^Unknown system error -999: Unknown system error -999, stat/],
    [5, 'EIO', /^EIO: i\/o error, stat '\/srv\/x'$/]
  ] as const) {
    t.equal(errnoOf(failed(errno)), name)
    t.match(messageOf(failed(errno)), words)
  }
  t.equal(messageOf(new Error(getSystemErrorName(-116))), messageOf(failed(116)).replace(/, stat.*/, ''), 'without its words twice')
  t.equal(errnoOf(new Error('x')), '')
  t.equal(messageOf('x'), 'x')
})

t.test('a quota that is used up is a full disk', async t => {
  t.match(writeError('/srv/x', failed(122)), { code: 'disk_full', message: '/srv/x could not be written: no space is left there' })
  t.match(writeError('/srv/x', failed(28)), { code: 'disk_full' })
})

t.test('that a file could not be written is said once', async t => {
  const error = writeError('/srv/x', failed(5))
  t.equal(writeError('/srv/x', error), error)
  t.equal(writeError('/srv/y', error).message, `/srv/y could not be written: ${error.message}`)
})
