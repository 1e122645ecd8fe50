// Runs a program as if on Linux 3.10, as far as that shows in system calls: those that came later answer ENOSYS (seccomp), and
// the kernel gives its release as 2.6 (UNAME26). Usage: node --import tsx test/helpers/old-kernel.ts COMMAND ARGUMENT...
import koffi from 'koffi'

/** x86-64: finit_module, of Linux 3.8, is 313 and the newest in 3.10; sched_setattr, of 3.14, is next. */
const firstUnknown = 314
const auditArch = 0xc000003e
const enosys = 38
const prSetNoNewPrivs = 38
const prSetSeccomp = 22
const filterMode = 2
const fSetfd = 2
const uname26 = 0x20000

/** struct sock_filter: code, where to jump if true and if false, and a constant. */
function instruction (code: number, jumpTrue: number, jumpFalse: number, constant: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.set([jumpTrue, jumpFalse], 2)
  bytes.writeUInt32LE(constant, 4)
  return bytes
}
const [load, jumpEqual, jumpAtLeast, answer] = [0x20, 0x15, 0x35, 0x06]
const filter = [
  instruction(load, 0, 0, 4), // of struct seccomp_data: arch
  instruction(jumpEqual, 0, 3, auditArch),
  instruction(load, 0, 0, 0), // the call's number
  instruction(jumpAtLeast, 0, 1, firstUnknown),
  instruction(answer, 0, 0, 0x00050000 | enosys),
  instruction(answer, 0, 0, 0x7fff0000)
]

const libc = koffi.load('libc.so.6')
koffi.struct('sock_fprog', { len: 'uint16_t', filter: 'void *' })
const setNoNewPrivs = libc.func('int prctl(int option, unsigned long on, unsigned long, unsigned long, unsigned long)')
const setSeccomp = libc.func('int prctl(int option, unsigned long mode, const sock_fprog *program)')
const setDescriptorFlags = libc.func('int fcntl(int fd, int command, int flags)')
const setPersonality = libc.func('int personality(unsigned long persona)')
const execute = libc.func('int execvp(const char *file, const char **argv)')

const [command = '', ...words] = process.argv.slice(2)
if (setPersonality(uname26) < 0) throw new Error(`personality: errno ${koffi.errno()}`)
if (setNoNewPrivs(prSetNoNewPrivs, 1, 0, 0, 0) !== 0) throw new Error(`prctl PR_SET_NO_NEW_PRIVS: errno ${koffi.errno()}`)
if (setSeccomp(prSetSeccomp, filterMode, { len: filter.length, filter: Buffer.concat(filter) }) !== 0) throw new Error(`prctl PR_SET_SECCOMP: errno ${koffi.errno()}`)
// Node has all descriptors closed when another program takes over.
for (const fd of [0, 1, 2]) setDescriptorFlags(fd, fSetfd, 0)
// The filter is of this thread; the others end here.
execute(command, [command, ...words, null])
throw new Error(`cannot run ${command}: errno ${koffi.errno()}`)
