// The calls of libc that Node has no words for: sockets of one interface, the interfaces' addresses, datagrams to a Unix
// socket, what a socket is that somebody else made, locks on files, and waiting for sockets. The only user of koffi.
import koffi from 'koffi'

type NativeCall = (...args: unknown[]) => number

export interface Libc {
  readonly socket: NativeCall
  readonly bind: NativeCall
  readonly connect: NativeCall
  readonly listen: NativeCall
  readonly fcntl: NativeCall
  readonly close: NativeCall
  readonly sendto: NativeCall
  readonly recvfrom: NativeCall
  /** `position`, 64 bits, is advanced by what has left. */
  readonly sendfile: NativeCall
  readonly setsockopt: NativeCall
  /** Writes a struct timespec, two 64-bit numbers, into the buffer. */
  readonly clockGettime: NativeCall
  readonly ioctl: NativeCall
  /** The lock is the open file's, and goes with it. */
  readonly flock: NativeCall
  readonly epollCreate: NativeCall
  /** `event` is a struct epoll_event in memory. */
  readonly epollControl: NativeCall
  /** Writes as many struct epoll_event into the buffer. */
  readonly epollWait: NativeCall
  readonly eventfd: NativeCall
  readonly mallocTrim: NativeCall
  /** Ends the process at once, without waiting for its threads (_exit(2)). */
  readonly endNow: NativeCall
  /** `getsockopt` and `getsockname` write into the buffers they are given; the length is a buffer too (`intBuffer`). */
  readonly getsockopt: NativeCall
  readonly getsockname: NativeCall
  /** The next ICMP error for what a socket with IP_RECVERR sent; undefined when there is none. Addresses are IPv4, as numbers. */
  readonly nextError: (fd: number) => SocketError | undefined
  /** getifaddrs(3): an entry for each address of each interface, running or not; undefined when it fails. */
  readonly getifaddrs: () => readonly InterfaceEntry[] | undefined
  /** Of the call before, as a name: `EADDRINUSE`; a number where it has none here. */
  readonly errno: () => string
}

/** struct ifaddrs, with its socket addresses as octets. */
export interface InterfaceEntry {
  readonly name: string
  /** IFF_UP and the others of netdevice(7). */
  readonly flags: number
  /** struct sockaddr_in or sockaddr_ll; undefined for other families. */
  readonly address: Buffer | undefined
  readonly netmask: Buffer | undefined
}

/** ip(7), IP_RECVERR: what came back for a datagram. */
export interface SocketError {
  readonly destination: number
  /** Who said it; 0 where this machine's own kernel did. */
  readonly offender: number
  /** `ECONNREFUSED`, `EHOSTUNREACH` */
  readonly errno: string
}

let opened: Libc | undefined

/** Loaded once: koffi keeps what it knows of a function for good. */
export function openLibc (): Libc {
  opened ??= load()
  return opened
}

function load (): Libc {
  const library = koffi.load('libc.so.6')
  const call = (prototype: string): NativeCall => library.func(prototype) as NativeCall
  return {
    socket: call('int socket(int domain, int type, int protocol)'),
    bind: call('int bind(int fd, const void *address, uint32_t length)'),
    connect: call('int connect(int fd, const void *address, uint32_t length)'),
    listen: call('int listen(int fd, int backlog)'),
    fcntl: call('int fcntl(int fd, int command, int value)'),
    close: call('int close(int fd)'),
    sendto: call('int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)'),
    recvfrom: call('int64_t recvfrom(int fd, void *data, size_t length, int flags, void *address, void *addressLength)'),
    sendfile: call('int64_t sendfile64(int to, int from, void *position, size_t length)'),
    clockGettime: call('int clock_gettime(int clock, void *time)'),
    setsockopt: call('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
    ioctl: call('int ioctl(int fd, unsigned long request, void *argument)'),
    flock: call('int flock(int fd, int operation)'),
    epollCreate: call('int epoll_create1(int flags)'),
    epollControl: call('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
    epollWait: call('int epoll_wait(int epoll, void *events, int most, int milliseconds)'),
    eventfd: call('int eventfd(unsigned int value, int flags)'),
    endNow: call('void _exit(int status)'),
    mallocTrim: call('int malloc_trim(size_t pad)'),
    getsockopt: call('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    getsockname: call('int getsockname(int fd, void *address, void *length)'),
    nextError: errorQueue(library),
    getifaddrs: interfaceEntries(library),
    errno: () => errnoName(koffi.errno())
  }
}

const errnoName = (number: number): string =>
  Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`

const octetsAt = (pointer: unknown, length: number): Buffer => Buffer.from(koffi.decode(pointer, 'uint8_t', length) as Uint8Array)

function errorQueue (library: ReturnType<typeof koffi.load>): (fd: number) => SocketError | undefined {
  const pointer = 'void *'
  const message = koffi.struct({
    name: pointer, nameLength: 'uint32_t', parts: pointer, partCount: 'size_t', control: pointer, controlLength: 'size_t', flags: 'int'
  })
  const receive = library.func('recvmsg', 'int64_t', ['int', koffi.inout(koffi.pointer(message)), 'int'])
  const [nameLength, controlLength] = [sockaddrIn(0, 0).length, 256]
  const [name, control] = [koffi.alloc('uint8_t', nameLength), koffi.alloc('uint8_t', controlLength)]
  // struct cmsghdr: a length (size_t), a level and a type; struct sock_extended_err and the offender's address stand behind it.
  const header = koffi.sizeof('size_t') + 8
  return fd => {
    const asked = { name, nameLength, parts: null, partCount: 0, control, controlLength, flags: 0 }
    if (receive(fd, asked, constants.msgErrQueue | constants.msgDontWait) < 0) return undefined
    const told = octetsAt(control, header + 32)
    const errno = new DataView(told.buffer, told.byteOffset).getUint32(header, isLittleEndian)
    return { destination: octetsAt(name, 8).readUInt32BE(4), offender: told.readUInt32BE(header + 16 + 4), errno: errnoName(errno) }
  }
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

type IfAddrs = Pick<InterfaceEntry, 'name' | 'flags'> & { readonly next: unknown, readonly address: unknown, readonly netmask: unknown }

/** How many octets of a socket address are looked at, by its family: those of an Ethernet address within sockaddr_ll. */
const sockaddrLengths: Readonly<Record<number, number | undefined>> = { 2: 8, 17: 20 }

function interfaceEntries (library: ReturnType<typeof koffi.load>): () => readonly InterfaceEntry[] | undefined {
  const getifaddrs = library.func('int getifaddrs(_Out_ void **list)') as (list: unknown[]) => number
  const freeifaddrs = library.func('void freeifaddrs(void *list)') as (list: unknown) => void
  const pointer = 'void *'
  const entry = koffi.struct({ next: pointer, name: 'const char *', flags: 'unsigned int', address: pointer, netmask: pointer, other: pointer, data: pointer })
  const octets = (at: unknown): Buffer | undefined => {
    const length = at === null ? undefined : sockaddrLengths[koffi.decode(at, 'uint16_t') as number]
    return length === undefined ? undefined : octetsAt(at, length)
  }
  return () => {
    const list: unknown[] = [null]
    if (getifaddrs(list) !== 0) return undefined
    const found: InterfaceEntry[] = []
    for (let at = list[0]; at !== null;) {
      const { next, name, flags, address, netmask } = koffi.decode(at, entry) as IfAddrs
      found.push({ name, flags, address: octets(address), netmask: octets(netmask) })
      at = next
    }
    freeifaddrs(list[0])
    return found
  }
}

/** Linux's numbers, the same on every architecture that Node runs on but MIPS and SPARC. */
export const constants = {
  afUnix: 1,
  afInet: 2,
  afInet6: 10,
  afPacket: 17,
  iffUp: 0x1,
  iffRunning: 0x40,
  sockStream: 1,
  sockDgram: 2,
  sockNonblock: 0o4000,
  sockCloexec: 0o2000000,
  solSocket: 1,
  soReuseaddr: 2,
  soType: 3,
  soBroadcast: 6,
  soSndbuf: 7,
  soRcvbuf: 8,
  ipprotoIpv6: 41,
  ipv6Only: 26,
  solIp: 0,
  ipRecvErr: 11,
  solUdp: 17,
  udpSegment: 103,
  soSndtimeo: 21,
  soBindToDevice: 25,
  soRcvbufForce: 33,
  clockThreadCputimeId: 3,
  dupCloexec: 1030,
  epollCloexec: 0o2000000,
  epollAdd: 1,
  epollRemove: 2,
  epollReadable: 0x1,
  epollWritable: 0x4,
  lockExclusive: 2,
  lockNonBlocking: 4,
  siocoutq: 0x5411,
  msgDontWait: 0x40,
  msgErrQueue: 0x2000,
  msgNoSignal: 0x4000
} as const

/** An `int` or `socklen_t` in memory, in the machine's order. */
export const intBuffer = (value: number): Buffer => Buffer.from(Int32Array.of(value).buffer)
export const intOf = (buffer: Buffer): number => new Int32Array(buffer.buffer, buffer.byteOffset, 1)[0] ?? 0

/** struct sockaddr_in (ip(7)): the family in the machine's order, port and address (as a number) in network order. */
export function sockaddrIn (ip: number, port: number): Buffer {
  const address = Buffer.alloc(16)
  address.set(familyBytes(constants.afInet))
  address.writeUInt16BE(port, 2)
  address.writeUInt32BE(ip, 4)
  return address
}

/** The first field of every sockaddr: sa_family_t, in the machine's order. */
export const familyBytes = (family: number): Uint8Array => new Uint8Array(Uint16Array.of(family).buffer)
export const familyOf = (address: Buffer): number => new Uint16Array(address.buffer, address.byteOffset, 1)[0] ?? 0
