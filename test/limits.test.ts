// docs/limits.md holds the bounds that are in force. What happens one over each is in the tests of the rooms.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { lineRates } from '../src/base/line-rations.js'
import { mostMachines } from '../src/cluster/etcd-machines.js'
import { discoveryLimits } from '../src/cluster/discovery-limits.js'
import { discoveryWaiters, mostBodyBytes } from '../src/http/discovery-routes.js'
import { mostBehind, mostWaiting } from '../src/http/in-turn.js'
import { mostHeaderBytes, mostHeaders, mostLabels } from '../src/http/client-connections.js'
import { defaultLimits, progressTimeout } from '../src/http/bounded-server.js'
import { mostHandshakes, mostUnanswered } from '../src/http/unfinished.js'
import { eventReaders, waiters } from '../src/control/machine-routes.js'
import { mostKept } from '../src/control/event-log.js'
import { mostWaiting as mostWaitingForGroups } from '../src/machines/enroller.js'
import { mostEnrolled } from '../src/matchbox/enrolment.js'
import { cardsOfOne } from '../src/matchbox/named-machines.js'
import { mostUnread } from '../src/control/event-streams.js'
import { mostAddresses, mostAttempts } from '../src/net/connect-host.js'
import { connectionShares } from '../src/net/descriptors.js'
import { mostHeld as sparedFrom } from '../src/net/sparing-udp.js'
import { mostQueued } from '../src/net/udp.js'
import { connectionBuffer } from '../src/net/listening-socket.js'
import { mostDiscovers, mostOfKnown, mostOthers } from '../src/dhcp/backlog.js'
import { maximumLength } from '../src/dhcp/constants.js'
import { idleEvery, mostIdle } from '../src/dhcp/idle-looks.js'
import { mostWaiting as mostOffersWaiting } from '../src/dhcp/offer-probes.js'
import { mostSetAside } from '../src/dhcp/used-addresses.js'
import { lookCounts, mostAhead, mostLooks } from '../src/dhcp/looks-ahead.js'
import { elsewhereRate, mostHeld, rememberedMachines, requestRate, returningRate } from '../src/dhcp/message-exchange.js'
import { rememberedTransactions } from '../src/dhcp/transactions.js'
import { longestRendering, mostWaiting as longRenderings } from '../src/rendering/long-renderings.js'
import { mostNeighbours } from '../src/dhcp/neighbours.js'
import { packetBudgets, packetsOfMachine } from '../src/machines/packet-log.js'
import { registryBudgets } from '../src/machines/registry.js'
import { mostUntold } from '../src/machines/told-later.js'
import { longestText, recordLimits } from '../src/machines/timeline.js'
import { turnsAtOnce } from '../src/disk/disk-turns.js'
import { maximumDepth as maximumJsonDepth } from '../src/go/json-read.js'
import { mostLevels } from '../src/config/yaml-document.js'
import { wholeFileLimits } from '../src/disk/whole-file.js'
import { maxDocumentBytes, maxRedirects, slowest } from '../src/mirror/http-client.js'
import { maxKeyFileBytes } from '../src/mirror/key-store.js'
import { maxFileBytes } from '../src/store/stored-file.js'
import { maximumDepth as maximumYamlDepth } from '../src/yaml/scanner.js'
import { returnsWithin } from '../src/tftp/left-transfers.js'
import { maxRequestLength } from '../src/tftp/packet.js'
import { defaultMaxTransfers, defaultMaxTransfersPerClient, longAfter, transfersWhenCrowded } from '../src/tftp/places.js'
import { stalledAfter } from '../src/tftp/transfer-session.js'
import { forgottenAfter, mostWaiting as mostWaitingRequests } from '../src/tftp/waiting-line.js'
import { maxReceiveBytes, strangerLimits } from '../src/grpc/grpc-server.js'
import { lookedForAgain, mostLookedFor } from '../src/machines/address-claims.js'
import { longestUnread, mostHandshakeOctets } from '../src/grpc/carrier.js'
import { handshakeTimeout } from '../src/grpc/handshake.js'
import { callOctets, mostUnfinished } from '../src/grpc/unfinished-calls.js'
import { firstRows, pageRows } from '../src/ui/boots.js'
import { mostProblems } from '../src/ui/store-page.js'
import { mostReleases, strangerRows } from '../src/ui/ui-app.js'
import { loaderCache } from '../src/wiring/loader-files.js'
import { storeRows } from '../src/wiring/ui-store.js'

const text = readFileSync(new URL('../docs/limits.md', import.meta.url), 'utf8')
const cells = text.split('\n').filter(line => line.startsWith('| ')).map(line => line.split('|').map(cell => cell.trim()))
const rows = new Map(cells.map(([, what = '', each = '', all = '']) => [what, [Number.parseInt(each), Number.parseInt(all)]]))
const inForce: ReadonlyArray<readonly [what: string, each: number, all: number]> = [
  ['last packets of a machine (only with `ui.address`)', packetsOfMachine, NaN],
  ['hundredths of the socket\'s buffer that the kernel may hold already when an answer goes on the link to who has not answered ARP', NaN, 100 * mostHeld.onLink],
  ['hundredths of a socket\'s buffer that the kernel may hold already when something goes on the link to who has not answered ARP', NaN, 100 * sparedFrom],
  ['the same, when the message came from there', NaN, 100 * mostHeld.backOnLink],
  ['the same, when it goes behind a router', NaN, 100 * mostHeld.behindRouter],
  ['datagrams of one socket that wait in the program, since the kernel has no room for them', NaN, mostQueued],
  ['relay agents in a configured subnet, others, other DHCP servers, of each (only with `ui.address`)', NaN, mostNeighbours],
  ['octets of them, known machines, about', NaN, packetBudgets.known],
  ['octets of them, machines that only a lease names, about', NaN, packetBudgets.leased],
  ['octets of them, strangers, about', NaN, packetBudgets.stranger],
  ['requests waiting', mostBehind, mostWaiting],
  ['header lines, octets together', mostHeaderBytes, NaN],
  ['header lines', mostHeaders, NaN],
  ['labels of a request', mostLabels, NaN],
  ['octets that the kernel holds of a connection that is not read, about', connectionBuffer, NaN],
  ['target and header lines, octets, about', defaultLimits.headerBytes, NaN],
  ['TLS handshakes under way', mostHandshakes.perAddress, mostHandshakes.all],
  ['octets of requests that are not answered', NaN, mostUnanswered],
  ['time for line and headers', defaultLimits.headersTimeout / 1000, NaN],
  ['time for a request to arrive', defaultLimits.requestTimeout / 1000, NaN],
  ['time without an octet of the answer taken', progressTimeout / 1000, NaN],
  ['time between requests', defaultLimits.keepAliveTimeout / 1000, NaN],
  ['`/v1/machines/MAC?wait=`', waiters.perAddress, waiters.all],
  ['`/v1/events`', eventReaders.perAddress, eventReaders.all],
  ['`/v1/events`, octets not read', mostUnread, NaN],
  ['`/v1/events`, octets kept for `Last-Event-ID`', NaN, mostKept],
  ['body of a request below `/etcd/`, octets', mostBodyBytes, NaN],
  ['`/etcd/TOKEN?wait=true`', discoveryWaiters.perAddress, discoveryWaiters.all],
  ['discovery tokens', discoveryLimits.tokensPerAddress, discoveryLimits.tokens],
  ['members below a discovery token', NaN, discoveryLimits.members],
  ['members below discovery tokens', discoveryLimits.membersPerAddress, discoveryLimits.membersOfAll],
  ['value of a member, octets', discoveryLimits.valueOctets, NaN],
  ['hardware addresses that one group by UUID or serial number names', NaN, cardsOfOne],
  ['addresses, of several provisioners, of which etcd is asked to whom another one gave them', 1000 / lookedForAgain, mostLookedFor],
  ['machines that wait to be enrolled', NaN, mostWaitingForGroups],
  ['machines that were enrolled', NaN, mostEnrolled],
  ['renderings of more than 32 KiB or 50,000 steps that wait', longRenderings.each, longRenderings.all],
  ['time for one of these', longestRendering / 1000, NaN],
  ['machines of each section on the first page', NaN, firstRows],
  ['machines on a page of one section', NaN, pageRows],
  ['strangers on a page', NaN, strangerRows],
  ['groups on a page of the store, and profiles', NaN, storeRows],
  ['files of the store with problems that are told one by one', NaN, mostProblems],
  ['mirrored releases on the page of images', NaN, mostReleases],
  ['handshakes', strangerLimits.perAddress, strangerLimits.all],
  ['time for a handshake', handshakeTimeout / 1000, NaN],
  ['octets of a handshake, certificates among them', mostHandshakeOctets, NaN],
  ['time that what a client sends stays unread, as of one that takes no answers', longestUnread / 1000, NaN],
  ['message, octets', maxReceiveBytes, NaN],
  ['octets of calls whose message has not come whole', mostUnfinished.perAddress, mostUnfinished.all],
  ['octets that such a call counts for at least', callOctets, NaN],
  ['datagram, octets', maximumLength, NaN],
  ['messages at once', requestRate.burst, NaN],
  ['messages a second, after that', requestRate.perSecond, NaN],
  ['messages at once beyond these, of transactions that come back', returningRate.burst, NaN],
  ['messages a second of them, after that', returningRate.perSecond, NaN],
  ['answers at once to an address that a message names and does not come from', elsewhereRate.burst, NaN],
  ['answers a second there, after that', elsewhereRate.perSecond, NaN],
  ['transactions that are remembered', NaN, rememberedTransactions],
  ['machines whose rate is remembered', NaN, rememberedMachines],
  ['messages that wait, of machines that somebody named', mostOfKnown.each, mostOfKnown.all],
  ['DISCOVERs that wait', NaN, mostDiscovers],
  ['addresses that are looked at before a machine is to have them', mostAhead, mostLooks],
  ['time for which such a look counts', lookCounts / 1000, NaN],
  ["addresses of the interface's own link that are looked at while no new machine comes", 1000 / idleEvery, mostIdle],
  ['new machines that wait to hear whether somebody uses their address', NaN, mostOffersWaiting],
  ['addresses that somebody uses which are set aside before a machine comes', NaN, mostSetAside],
  ['other messages that wait', NaN, mostOthers],
  ['DISCOVERs, offers and their packets that are not recorded yet, while messages wait', NaN, mostUntold],
  ['request, octets', maxRequestLength, NaN],
  ['transfers', defaultMaxTransfersPerClient, defaultMaxTransfers],
  ['transfers, where three quarters of all are under way', transfersWhenCrowded, NaN],
  ['time without a further block confirmed, before it may give way to an address with fewer', stalledAfter / 1000, NaN],
  ['time that a transfer takes, before it may give way to an address with fewer', longAfter / 1000, NaN],
  ['requests that wait for a transfer', mostWaitingRequests.perAddress, mostWaitingRequests.all],
  ['clients remembered whose transfer gave way, or that were silent until it was given up', mostWaitingRequests.perAddress, mostWaitingRequests.all],
  ['time in which such a client goes on where it stood', returnsWithin / 1000, NaN],
  ['time without being asked again, of one that waits', forgottenAfter / 1000, NaN],
  ['lines of a boot, of a machine that somebody named', recordLimits.known.timeline, NaN],
  ['lines of a boot, of a stranger', recordLimits.stranger.timeline, NaN],
  ['boots before it, of a machine that somebody named', recordLimits.known.history, NaN],
  ['boots before it, of a stranger', recordLimits.stranger.history, NaN],
  ['lines of a boot, where several provisioners share it', recordLimits.shared.timeline, NaN],
  ['boots before it, where several provisioners share it', recordLimits.shared.history, NaN],
  ['records of machines in etcd, strangers not among them', NaN, mostMachines],
  ['characters of a text', longestText, NaN],
  ['octets of known machines, about', NaN, registryBudgets.known],
  ['octets of machines that only a lease names, about', NaN, registryBudgets.leased],
  ['octets of strangers, about', NaN, registryBudgets.stranger],
  ['loader file that is kept in memory, octets', loaderCache.largest, NaN],
  ['loader files in memory, octets', loaderCache.memory, NaN],
  ['file of the store, octets', maxFileBytes, NaN],
  ['calls to the disk of `assets_path`, to that of `tftp.root`, and reading ones to that of `data_path`', turnsAtOnce, NaN],
  ['objects and lists of JSON inside one another', maximumJsonDepth, NaN],
  ['maps and lists of YAML inside one another', maximumYamlDepth, NaN],
  ['the same of the configuration and of `hosts.d`', mostLevels, NaN],
  ['file of OpenPGP keys, octets', maxKeyFileBytes, NaN],
  ['file with a certificate, a key, a password, a secret or users, octets', wholeFileLimits.credentials, NaN],
  ['file with authorities, with revoked certificates, or with the key that signs, octets', wholeFileLimits.collections, NaN],
  ['configuration, or file of `hosts.d`, octets', wholeFileLimits.lists, NaN],
  ['document about releases, or signature, octets', maxDocumentBytes, NaN],
  ['redirects of one request', maxRedirects, NaN],
  ['octets that come in a second, at least, over twice `images.timeout`', slowest, NaN],
  ['addresses of one name that are tried', mostAddresses, NaN],
  ['of them at once', mostAttempts, NaN],
  ['lines of one event that tell what was given, at once', lineRates.info.perSender.burst, lineRates.info.inAll.burst],
  ['lines of it a second, after that', lineRates.info.perSender.perSecond, lineRates.info.inAll.perSecond],
  ['lines of one event that tell what went wrong, at once', lineRates.warn.perSender.burst, lineRates.warn.inAll.burst],
  ['lines of this a second, after that', lineRates.warn.perSender.perSecond, lineRates.warn.inAll.perSecond]
]

t.ok(rows.size > inForce.length)
for (const [what, each, all] of inForce) t.equal(String(rows.get(what)), String([each, all]), what)

t.test('what descriptors allow', t => {
  t.same(connectionShares(256), {
    http: { all: 72, perAddress: 36 },
    sent: 3,
    grpc: { all: 24, perAddress: 12 },
    ui: { all: 12, perAddress: 6 },
    control: { all: 12, perAddress: 12 },
    waiting: { all: 0, perAddress: 0 }
  })
  t.same(connectionShares(65_536), {
    http: { all: 4096, perAddress: 2048 },
    sent: 4096,
    grpc: { all: 1000, perAddress: 500 },
    ui: { all: 200, perAddress: 100 },
    control: { all: 600, perAddress: 600 },
    waiting: { all: 6000, perAddress: 3000 }
  })
  for (const descriptors of [0, 64, 100, 256, 1024, 4096, 11_000, 16_384, 65_536]) {
    const { http, waiting, sent, grpc, ui, control } = connectionShares(descriptors)
    t.ok(2 * http.all + waiting.all + sent + grpc.all + ui.all + control.all < Math.max(100, descriptors), `${descriptors}`)
  }
  t.end()
})
