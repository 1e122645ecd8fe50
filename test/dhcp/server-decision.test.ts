// The server's decisions, each as (packet, leases, now) -> outcome: RFC 2131 section 4.3.
import t from 'tap'
import { handleDhcp, type ServerOutcome, type ServerContext } from '../../src/dhcp/server-decision.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { buildReservations } from '../../src/dhcp/reservation-table.js'
import type { Reservation } from '../../src/dhcp/reservations.js'
import { formatIpv4, type Ipv4 } from '../../src/net/ipv4.js'
import { hex, ip, mac, message, request, subnet, testMac } from '../helpers/dhcp.js'

const now = 1_700_000_000_000
const minute = 60_000
const server = ip('192.168.100.2')
const other = mac('52:54:00:99:99:99')
const here = subnet('192.168.100.0/24', '192.168.100.100-192.168.100.102', { routers: [ip('192.168.100.1')] })
const there = subnet('10.9.0.0/16', '10.9.0.100-10.9.0.102')
const reserved = ip('192.168.100.41')
const first = ip('192.168.100.100')

interface Given {
  readonly leases?: ReadonlyArray<Partial<Lease> & { readonly ip: Ipv4 }>
  readonly reservations?: readonly Reservation[]
  readonly unknownClients?: 'deny' | 'allow'
}

function context ({ leases = [], reservations = [], unknownClients = 'allow' }: Given = {}): ServerContext {
  const table = new LeaseTable()
  for (const lease of leases) table.set({ mac: testMac, state: 'bound', since: now - minute, expires: now + minute, ...lease })
  const subnets = [here, there]
  return {
    now,
    server,
    subnets,
    leases: table,
    reservations: buildReservations(reservations, subnets, server),
    unknownClients,
    boot: { loaders: { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi' }, scriptUrl: 'http://192.168.100.2:8080/boot.ipxe' }
  }
}

const reservation: Reservation = { macs: [testMac], ip: reserved, hostName: 'core-1', source: 'test' }

/** An outcome in a few words: `OFFER 192.168.100.41 to 255.255.255.255:68, offered 60 s`. */
function words (outcome: ServerOutcome): string {
  if (outcome.kind === 'drop') return `drop ${outcome.reason}`
  if (outcome.kind === 'change') return `${outcome.what} ${formatIpv4(outcome.lease.ip)}${outcome.durable ? ' durably' : ''}`
  const { reply, to, lease, durable, probe } = outcome
  return [
    `${reply.options.dhcpMessageType} ${formatIpv4(reply.yiaddr)} to ${formatIpv4(to.ip)}:${to.port}`,
    ...lease === undefined ? [] : [`${lease.state} ${(lease.expires - now) / 1000} s${durable ? ' durably' : ''}`],
    ...probe ? ['probe'] : []
  ].join(', ')
}

const discover = request({ dhcpMessageType: 'DISCOVER' })
const selecting = (address: Ipv4, chosen = server): ReturnType<typeof request> =>
  request({ dhcpMessageType: 'REQUEST', requestedIpAddress: address, serverIdentifier: chosen })
const rebooting = (address: Ipv4): ReturnType<typeof request> => request({ dhcpMessageType: 'REQUEST', requestedIpAddress: address })
const renewing = (address: Ipv4): ReturnType<typeof request> => request({ dhcpMessageType: 'REQUEST' }, { ciaddr: address })
const decline = (address: Ipv4): ReturnType<typeof request> =>
  request({ dhcpMessageType: 'DECLINE', requestedIpAddress: address, serverIdentifier: server })
const release = (address: Ipv4): ReturnType<typeof request> => request({ dhcpMessageType: 'RELEASE', serverIdentifier: server }, { ciaddr: address })
const relayed = { giaddr: ip('10.9.0.1') }

const rows: ReadonlyArray<readonly [string, ReturnType<typeof request>, Given, string]> = [
  // DISCOVER
  ['a machine with a reservation', discover, { reservations: [reservation], unknownClients: 'deny' }, 'OFFER 192.168.100.41 to 255.255.255.255:68, offered 60 s'],
  ['an unknown machine, denied', discover, { unknownClients: 'deny' }, 'drop unknown_client'],
  ['an unknown machine, allowed', discover, {}, 'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe'],
  ["a stranger that calls itself this machine's doctor", request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier: 'core-provisioner doctor' }), {}, 'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe'],
  ['one that asks for a free address', request({ dhcpMessageType: 'DISCOVER', requestedIpAddress: ip('192.168.100.102') }), {},
    'OFFER 192.168.100.102 to 255.255.255.255:68, offered 60 s, probe'],
  ['one that asks for an address outside of the range', request({ dhcpMessageType: 'DISCOVER', requestedIpAddress: ip('192.168.100.7') }), {},
    'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe'],
  ["one that asks for another machine's", request({ dhcpMessageType: 'DISCOVER', requestedIpAddress: first }), { leases: [{ ip: first, mac: other }] },
    'OFFER 192.168.100.101 to 255.255.255.255:68, offered 60 s, probe'],
  ['one that has a lease: the same address, and the lease stays', discover, { leases: [{ ip: ip('192.168.100.102') }] },
    'OFFER 192.168.100.102 to 255.255.255.255:68'],
  ['one whose lease expired: its old address', discover, { leases: [{ ip: ip('192.168.100.102'), expires: now - 1 }] },
    'OFFER 192.168.100.102 to 255.255.255.255:68, offered 60 s'],
  ['one whose old address is taken', discover,
    { leases: [{ ip: ip('192.168.100.102'), expires: now - 1 }, { ip: ip('192.168.100.102'), mac: other }] },
    'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe'],
  ['the offer of a moment ago, again', discover, { leases: [{ ip: ip('192.168.100.101'), state: 'offered' }] },
    'OFFER 192.168.100.101 to 255.255.255.255:68, offered 60 s'],
  ['a full range', discover, { leases: [0, 1, 2].map(n => ({ ip: first + n, mac: mac(`52:54:00:00:00:0${n}`) })) }, 'drop pool_exhausted'],
  ['a full range, one expired', discover,
    { leases: [0, 1, 2].map(n => ({ ip: first + n, mac: mac(`52:54:00:00:00:0${n}`), expires: n === 1 ? now - 1 : now + 1 })) },
    'OFFER 192.168.100.101 to 255.255.255.255:68, offered 60 s, probe'],
  ['a declined address is passed over', discover, { leases: [{ ip: first, state: 'declined' }] },
    'OFFER 192.168.100.101 to 255.255.255.255:68, offered 60 s, probe'],
  ['a reserved address that another machine still holds', discover, { reservations: [reservation], leases: [{ ip: reserved, mac: other }] },
    'OFFER 192.168.100.41 to 255.255.255.255:68, offered 60 s, probe'],
  ['NetworkManager: a stale ciaddr in a DISCOVER picks no subnet', request({ dhcpMessageType: 'DISCOVER' }, { ciaddr: ip('10.9.0.7') }),
    { reservations: [reservation] }, 'OFFER 192.168.100.41 to 255.255.255.255:68, offered 60 s'],
  ['RFC 3011: a client selects its subnet itself', request({ dhcpMessageType: 'DISCOVER', subnetSelection: ip('10.9.0.0') }), {},
    'OFFER 10.9.0.100 to 255.255.255.255:68, offered 60 s, probe'],
  ['RFC 3011: a subnet that is not served', request({ dhcpMessageType: 'DISCOVER', subnetSelection: ip('10.8.0.0') }), {}, 'drop unknown_subnet'],
  ['through a relay agent: its subnet', request({ dhcpMessageType: 'DISCOVER' }, relayed), {}, 'OFFER 10.9.0.100 to 10.9.0.1:67, offered 60 s, probe'],
  ['through a relay agent of an unknown subnet', request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('10.8.0.1') }), {}, 'drop unknown_subnet'],
  ['a machine reserved in another subnet is unknown here', request({ dhcpMessageType: 'DISCOVER' }, relayed),
    { reservations: [reservation], unknownClients: 'deny' }, 'drop unknown_client'],

  // REQUEST
  ['selecting our offer', selecting(first), { leases: [{ ip: first, state: 'offered' }] }, 'ACK 192.168.100.100 to 255.255.255.255:68, bound 3600 s durably'],
  ['selecting our offer, which ran out and is free still', selecting(first), {}, 'ACK 192.168.100.100 to 255.255.255.255:68, bound 3600 s durably'],
  ['selecting our offer, which ran out and is gone', selecting(first), { leases: [{ ip: first, mac: other }] }, 'NAK 0.0.0.0 to 255.255.255.255:68'],
  ["selecting another server's: what was held is free", selecting(ip('192.168.100.200'), ip('192.168.100.9')),
    { leases: [{ ip: first, state: 'offered' }] }, 'offer_refused 192.168.100.100'],
  ["selecting another server's", selecting(ip('192.168.100.200'), ip('192.168.100.9')), {}, 'drop other_server'],
  ['selecting, unknown and denied', selecting(first), { unknownClients: 'deny' }, 'NAK 0.0.0.0 to 255.255.255.255:68'],
  ['INIT-REBOOT of a known machine', rebooting(first), { leases: [{ ip: first }] }, 'ACK 192.168.100.100 to 255.255.255.255:68, bound 3600 s durably'],
  ['INIT-REBOOT after the lease ran out', rebooting(first), { leases: [{ ip: first, expires: now - 1 }] },
    'ACK 192.168.100.100 to 255.255.255.255:68, bound 3600 s durably'],
  ['INIT-REBOOT with the wrong address', rebooting(ip('192.168.100.102')), { leases: [{ ip: first }] }, 'NAK 0.0.0.0 to 255.255.255.255:68'],
  ['INIT-REBOOT on the wrong network', rebooting(ip('172.16.0.9')), {}, 'NAK 0.0.0.0 to 255.255.255.255:68'],
  ['INIT-REBOOT of a machine never seen: silence', rebooting(first), {}, 'drop unknown_lease'],
  ['INIT-REBOOT of a machine never seen and denied: silence', rebooting(ip('172.16.0.9')), { unknownClients: 'deny' }, 'drop unknown_client'],
  ['INIT-REBOOT of a machine that has a reservation since', rebooting(first), { leases: [{ ip: first }], reservations: [reservation] },
    'NAK 0.0.0.0 to 255.255.255.255:68'],
  ['renewing', renewing(first), { leases: [{ ip: first }] }, 'ACK 192.168.100.100 to 192.168.100.100:68, bound 3600 s durably'],
  ['renewing a lease that the file lost', renewing(first), {}, 'ACK 192.168.100.100 to 192.168.100.100:68, bound 3600 s durably'],
  ["renewing another machine's address", renewing(first), { leases: [{ ip: first, mac: other }] }, 'NAK 0.0.0.0 to 255.255.255.255:68'],
  ['rebinding through a relay agent', request({ dhcpMessageType: 'REQUEST' }, { ciaddr: ip('10.9.0.100'), ...relayed }),
    { leases: [{ ip: ip('10.9.0.100') }] }, 'ACK 10.9.0.100 to 10.9.0.1:67, bound 3600 s durably'],
  ['no address at all', request({ dhcpMessageType: 'REQUEST' }), {}, 'drop unexpected'],

  // DECLINE, RELEASE, INFORM
  ['a machine that declined three addresses is ignored', discover,
    { leases: [0, 1, 2].map(n => ({ ip: ip('10.9.0.100') + n, state: 'declined' as const })) }, 'drop declines_too_often'],
  ['one that declined two is not', discover, { leases: [0, 1].map(n => ({ ip: ip('10.9.0.100') + n, state: 'declined' as const })) },
    'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe'],
  ['one that declined three some time ago is heard again', discover,
    { leases: [0, 1, 2].map(n => ({ ip: ip('10.9.0.100') + n, state: 'declined' as const, since: now - 10 * minute })) },
    'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe'],
  ['DECLINE of the address one was given', decline(first), { leases: [{ ip: first }] }, 'declined 192.168.100.100 durably'],
  ["DECLINE of another machine's", decline(first), { leases: [{ ip: first, mac: other }] }, 'drop unknown_lease'],
  ['DECLINE of an address nobody was given', decline(first), {}, 'drop unknown_lease'],
  ['DECLINE twice', decline(first), { leases: [{ ip: first, state: 'declined' }] }, 'drop unknown_lease'],
  ['DECLINE to another server', request({ dhcpMessageType: 'DECLINE', requestedIpAddress: first, serverIdentifier: ip('192.168.100.9') }),
    { leases: [{ ip: first }] }, 'drop other_server'],
  ['DECLINE of a reserved address: its machine has no other', decline(reserved), { reservations: [reservation], leases: [{ ip: reserved }] },
    'drop reservation_declined'],
  ['DECLINE of a machine with a reservation counts not against it', discover, {
    reservations: [reservation], leases: [0, 1, 2].map(n => ({ ip: ip('10.9.0.100') + n, state: 'declined' as const }))
  }, 'OFFER 192.168.100.41 to 255.255.255.255:68, offered 60 s'],
  ['RELEASE', release(first), { leases: [{ ip: first }] }, 'released 192.168.100.100 durably'],
  ["RELEASE of another machine's", release(first), { leases: [{ ip: first, mac: other }] }, 'drop unknown_lease'],
  ['RELEASE of an offer', release(first), { leases: [{ ip: first, state: 'offered' }] }, 'drop unknown_lease'],
  ['RELEASE to another server', request({ dhcpMessageType: 'RELEASE', serverIdentifier: ip('192.168.100.9') }, { ciaddr: first }),
    { leases: [{ ip: first }] }, 'drop other_server'],
  ['INFORM', request({ dhcpMessageType: 'INFORM' }, { ciaddr: ip('192.168.100.77') }), { unknownClients: 'deny' }, 'ACK 0.0.0.0 to 192.168.100.77:68'],
  ['INFORM through a relay agent: the answer goes to the client (RFC 2131 section 4.3.5)',
    request({ dhcpMessageType: 'INFORM' }, { ciaddr: ip('10.9.0.77'), ...relayed }), {}, 'ACK 0.0.0.0 to 10.9.0.77:68'],
  ['INFORM through a relay agent with an address of elsewhere',
    request({ dhcpMessageType: 'INFORM' }, { ciaddr: ip('192.168.100.77'), ...relayed }), {}, 'drop unknown_subnet'],
  ['INFORM with everybody\'s address', request({ dhcpMessageType: 'INFORM' }, { ciaddr: ip('192.168.100.255') }), {}, 'drop unknown_subnet'],
  ['INFORM with the network\'s own', request({ dhcpMessageType: 'INFORM' }, { ciaddr: ip('192.168.100.0') }), {}, 'drop unknown_subnet'],
  ['a relay agent with everybody\'s address', request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('192.168.100.255') }), {}, 'drop unknown_subnet'],
  ['a relay agent with this machine\'s own loopback', request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('127.0.0.1') }), {}, 'drop unknown_subnet'],
  ['a relay agent with a group\'s address', request({ dhcpMessageType: 'DISCOVER' }, { giaddr: ip('239.0.0.1') }), {}, 'drop unknown_subnet'],
  ['INFORM with an address of elsewhere', request({ dhcpMessageType: 'INFORM' }, { ciaddr: ip('203.0.113.9') }), {}, 'drop unknown_subnet'],

  // what is not for a server
  ['a reply', { ...discover, op: 2 }, {}, 'drop not_a_request'],
  ['BOOTP', request({}), {}, 'drop no_message_type'],
  ['a message that servers send', request({ dhcpMessageType: 'OFFER' }), {}, 'drop unexpected'],
  ['hardware that is not Ethernet', request({ dhcpMessageType: 'DISCOVER' }, { htype: 32 }), {}, 'drop hardware_type'],
  ['an address of 16 octets', { ...discover, chaddr: Buffer.alloc(16) }, {}, 'drop hardware_type'],
  ['no address', { ...discover, chaddr: Buffer.alloc(6) }, {}, 'drop hardware_type'],
  ["a group's address", request({ dhcpMessageType: 'DISCOVER' }, { mac: mac('53:54:00:12:34:56') }), {}, 'drop hardware_type']
]

t.test('what comes from a routed address gives nobody\'s address back, and sets none aside', t => {
  const given = context({ leases: [{ ip: first }] })
  for (const [what, packet, from, expected] of [
    ['DECLINE by broadcast', decline(first), '0.0.0.0', 'declined 192.168.100.100 durably'],
    ['DECLINE from elsewhere', decline(first), '203.0.113.9', 'drop unexpected'],
    ['RELEASE from the address itself', release(first), '192.168.100.100', 'released 192.168.100.100 durably'],
    ['RELEASE from elsewhere', release(first), '203.0.113.9', 'drop unexpected'],
    ['RELEASE from a neighbour', release(first), '192.168.100.101', 'drop unexpected']
  ] as const) t.equal(words(handleDhcp(message(packet, ip(from)), given)), expected, what)
  t.end()
})

t.test('RFC 5107: known by the address that the relay agent gives out for us', t => {
  const override = ip('10.9.0.1')
  const relayAgentInformation = hex('0b04 0a090001')
  const asked = (options: object, fields: object = relayed): ReturnType<typeof request> => request({ relayAgentInformation, ...options }, fields)
  const offer = handleDhcp(message(asked({ dhcpMessageType: 'DISCOVER' })), context())
  t.match(offer, { reply: { options: { serverIdentifier: override, relayAgentInformation } } })
  const table = [{ ip: ip('10.9.0.100'), state: 'offered' as const }]
  const select = { dhcpMessageType: 'REQUEST', requestedIpAddress: ip('10.9.0.100'), serverIdentifier: override }
  t.match(handleDhcp(message(asked(select)), context({ leases: table })), { reply: { options: { dhcpMessageType: 'ACK', serverIdentifier: override } } }, 'a REQUEST to it is ours')
  t.equal(words(handleDhcp(message(request(select as object, relayed)), context())), 'drop other_server', 'and not without the sub-option')
  t.equal(words(handleDhcp(message(asked({ ...select, dhcpMessageType: 'DECLINE' })), context({ leases: table }))), 'declined 10.9.0.100 durably')
  t.end()
})

t.test('two addresses on the interface: both their subnets are the link', t => {
  const given = { ...context(), own: [server, ip('10.9.0.1')] }
  const reservations = buildReservations([{ ...reservation, ip: ip('10.9.0.9') }], given.subnets, server)
  t.equal(words(handleDhcp(message(discover), { ...given, reservations })), 'OFFER 10.9.0.9 to 255.255.255.255:68, offered 60 s')
  t.match(handleDhcp(message(discover), { ...given, reservations }), { reply: { options: { subnetMask: ip('255.255.0.0') } } }, 'with its own mask')
  t.equal(words(handleDhcp(message(selecting(ip('10.9.0.9'), ip('10.9.0.1'))), { ...given, reservations })),
    'ACK 10.9.0.9 to 255.255.255.255:68, bound 3600 s durably', 'by either of our addresses')
  t.end()
})

t.test('every case', t => {
  for (const [what, packet, given, expected] of rows) t.equal(words(handleDhcp(message(packet), context(given))), expected, what)
  t.end()
})

t.test('one address for one machine, whatever its client identifier', t => {
  const given = context()
  const table = given.leases as LeaseTable
  const identifiers = [undefined, '01525400123456', 'fffb5361d3000100013293af0b1a59fb5361d3', '00756e6971756521']
  for (const [stage, identifier] of identifiers.entries()) {
    const sent = { ...identifier !== undefined && { clientIdentifier: hex(identifier) } }
    const offer = handleDhcp(message(request({ dhcpMessageType: 'DISCOVER', ...sent })), { ...given, now: now + stage * minute })
    t.equal(offer.kind === 'reply' && offer.reply.yiaddr, first, `stage ${stage}`)
    if (offer.kind === 'reply' && offer.lease !== undefined) table.set(offer.lease)
    const ack = handleDhcp(message(request({ dhcpMessageType: 'REQUEST', requestedIpAddress: first, serverIdentifier: server, ...sent })), given)
    t.equal(ack.kind === 'reply' && ack.reply.options.dhcpMessageType, 'ACK')
    t.same(ack.kind === 'reply' && ack.reply.options.clientIdentifier, identifier && hex(identifier), 'the identifier goes back (RFC 6842)')
    if (ack.kind === 'reply' && ack.lease !== undefined) table.set(ack.lease)
  }
  t.equal(table.size, 1)
  t.end()
})

t.test('short leases while a machine boots, the configured one for its system', t => {
  const seconds = (vendorClassIdentifier: string): unknown => {
    const outcome = handleDhcp(message(request({ dhcpMessageType: 'REQUEST', requestedIpAddress: first, serverIdentifier: server, vendorClassIdentifier })), context())
    return outcome.kind === 'reply' && outcome.reply.options.ipAddressLeaseTime
  }
  t.equal(seconds('PXEClient:Arch:00000:UNDI:002001'), 600)
  t.equal(seconds('udhcp 1.35.0'), 3600)
  t.end()
})

t.test('a declined address is set aside for ten minutes, doubling up to a day; the count ends when somebody keeps it', t => {
  const given = context()
  const table = given.leases as LeaseTable
  const minutes: number[] = []
  let at = now
  for (let turn = 0; turn < 10; turn++) {
    table.set({ ip: first, mac: testMac, state: 'bound', since: at, expires: at + minute, ...turn > 0 && { declines: turn } })
    const outcome = handleDhcp(message(decline(first)), { ...given, now: at })
    if (outcome.kind !== 'change') break
    minutes.push((outcome.lease.expires - at) / minute)
    at = outcome.lease.expires
  }
  t.same(minutes, [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440])
  const doubtful = context({ leases: [{ ip: first, state: 'declined', expires: now - 1, declines: 3, mac: other }] })
  const taken = handleDhcp(message(selecting(first)), doubtful)
  t.equal(taken.kind === 'reply' && taken.lease?.declines, 3)
  const kept = handleDhcp(message(renewing(first)), context({ leases: [{ ip: first, declines: 3 }] }))
  t.equal(kept.kind === 'reply' && kept.lease?.declines, undefined)
  t.end()
})

t.test('a machine that has two cards with one reservation keeps its address when it changes cards', t => {
  const both = { ...reservation, macs: [testMac, other] }
  const outcome = handleDhcp(message(discover), context({ reservations: [both], leases: [{ ip: reserved, mac: other }], unknownClients: 'deny' }))
  t.equal(words(outcome), 'OFFER 192.168.100.41 to 255.255.255.255:68, offered 60 s')
  t.end()
})

t.test('what is reserved is told of an OFFER as of an ACK: it waits for no disk and for no other server', t => {
  const told = (packet: ReturnType<typeof request>, given: Given): unknown => {
    const outcome = handleDhcp(message(packet), context(given))
    return outcome.kind === 'reply' && [outcome.reply.options.dhcpMessageType, outcome.reserved === true]
  }
  t.same(told(discover, { reservations: [reservation] }), ['OFFER', true])
  t.same(told(selecting(reserved), { reservations: [reservation] }), ['ACK', true])
  t.same(told(discover, {}), ['OFFER', false])
  t.same(told(selecting(first), {}), ['ACK', false])
  t.end()
})

t.test('the other loader goes to the machine that the first led nowhere, and to no other', t => {
  const given = context()
  const boot = { ...given.boot, otherLoaders: { 'efi-x64': 'ipxe.efi' } }
  const loader = (usesOtherLoader: ServerContext['usesOtherLoader']): unknown => {
    const asked = request({ dhcpMessageType: 'DISCOVER', vendorClassIdentifier: 'PXEClient:Arch:00007:UNDI:003016', clientSystemArchitecture: [7] })
    const outcome = handleDhcp(message(asked), { ...given, boot, ...usesOtherLoader !== undefined && { usesOtherLoader } })
    return outcome.kind === 'reply' && outcome.reply.file
  }
  t.equal(loader(card => card === testMac), 'ipxe.efi')
  t.equal(loader(card => card === other), 'snponly.efi')
  t.equal(loader(undefined), 'snponly.efi')
  t.end()
})

t.test('who takes the offer of another server gives back what it was offered, and nothing that it holds', t => {
  const states = ['offered', 'bound', 'declined', 'released'] as const
  const elsewhere = selecting(first, ip('192.168.100.9'))
  for (const [expires, outcomes] of [
    [now + 1, ['offer_refused 192.168.100.100', 'drop other_server', 'drop other_server', 'drop other_server']],
    [now, ['drop other_server', 'drop other_server', 'drop other_server', 'drop other_server']]
  ] as const) {
    t.same(states.map(state => words(handleDhcp(message(elsewhere), context({ leases: [{ ip: first, state, expires }] })))), outcomes)
  }
  t.equal(words(handleDhcp(message(elsewhere), context({ leases: [{ ip: first, state: 'offered', mac: other }] }))), 'drop other_server')
  t.end()
})

t.test('with an ACK end the other leases that the machine holds on the link, and none that is over, set aside, or elsewhere', t => {
  const second = ip('192.168.100.101')
  const ended = (lease: Partial<Lease> & { readonly ip: Ipv4 }): unknown => {
    const outcome = handleDhcp(message(selecting(first)), context({ leases: [lease, { ip: first, state: 'offered' }] }))
    return outcome.kind === 'reply' && [outcome.reply.options.dhcpMessageType, ...(outcome.ended ?? []).map(({ ip }) => formatIpv4(ip))]
  }
  t.same(ended({ ip: second }), ['ACK', '192.168.100.101'])
  t.same(ended({ ip: second, state: 'offered' }), ['ACK', '192.168.100.101'])
  t.same(ended({ ip: second, state: 'declined' }), ['ACK'])
  t.same(ended({ ip: second, state: 'released' }), ['ACK'])
  t.same(ended({ ip: second, expires: now }), ['ACK'])
  t.same(ended({ ip: second, mac: other }), ['ACK'])
  t.same(ended({ ip: ip('10.9.0.100') }), ['ACK'], 'of another link')
  t.end()
})

t.test('this machine, which only asks whether it answers, takes no address', t => {
  const question = { ...message(discover), isOwnQuestion: true }
  t.equal(words(handleDhcp(question, context())), 'OFFER 192.168.100.100 to 255.255.255.255:68')
  t.end()
})

t.test('while the store is away, addresses are promised for a minute at least or not at all, and nobody is sent away', t => {
  const away = (milliseconds: number | undefined, given: Given = {}): ServerContext =>
    ({ ...context(given), promisedUntil: () => milliseconds === undefined ? undefined : now + milliseconds })
  const bound = { leases: [{ ip: first }] }
  for (const [milliseconds, offer, ack] of [
    [undefined, 'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe', 'ACK'], [minute, 'OFFER 192.168.100.100 to 255.255.255.255:68, offered 60 s, probe', 'ACK'],
    [minute - 1, 'drop store_away', 'drop store_away']
  ] as const) {
    t.equal(words(handleDhcp(message(discover), away(milliseconds))), offer, `${milliseconds}`)
    t.ok(words(handleDhcp(message(renewing(first)), away(milliseconds, bound))).startsWith(ack), `${milliseconds}`)
  }
  const leased = handleDhcp(message(renewing(first)), away(90_999, bound))
  t.match(leased, { reply: { options: { ipAddressLeaseTime: 90 } } }, 'whole seconds of it')
  const theirs = { leases: [{ ip: first, mac: other }] }
  t.equal(words(handleDhcp(message(renewing(first)), away(90_000, theirs))), 'drop store_away')
  t.match(words(handleDhcp(message(renewing(first)), away(undefined, theirs))), /^NAK/)
  t.end()
})

t.test('a name as people write it: UTF-8 where it is that, an octet a letter else', t => {
  const named = (hostName: string): string | undefined => {
    const outcome = handleDhcp(message(request({ dhcpMessageType: 'REQUEST', hostName }, { ciaddr: first })), context({ leases: [{ ip: first }] }))
    return outcome.kind === 'reply' ? outcome.lease?.hostName : undefined
  }
  t.same([named('node'), named('n\xc3\xb6de'), named('n\xf6de')], ['node', 'n\u00f6de', 'n\xf6de'])
  t.end()
})

t.test('a lease that is renewed goes on from when it began, another one begins', t => {
  const since = (lease: Partial<Lease>): number | undefined => {
    const outcome = handleDhcp(message(selecting(first)), context({ leases: [{ ip: first, ...lease }] }))
    return outcome.kind === 'reply' ? outcome.lease?.since : undefined
  }
  t.same([since({}), since({ state: 'offered' }), since({ mac: other, expires: now - 1 })], [now - minute, now, now])
  t.end()
})

t.test('what hardware is not served is told', t => {
  const drop = (htype: number) => handleDhcp(message(request({ dhcpMessageType: 'DISCOVER' }, { htype })), context())
  t.match(drop(32), { kind: 'drop', reason: 'hardware_type', detail: 'InfiniBand (RFC 4390) is not supported' })
  t.match(drop(6), { kind: 'drop', reason: 'hardware_type', detail: 'htype 6, hlen 6' })
  t.end()
})
