// The work of reading what others send or write grows with it and not with its square: eight times the octets, made of what is worst for
// each reader. Which readers there are is the source's to say.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseEnvironmentFile } from '../../src/config/environment-file.js'
import { parseReservationFile } from '../../src/config/reservation-file.js'
import { parseYaml } from '../../src/config/yaml-text.js'
import { changeFrom } from '../../src/cluster/discovery-store.js'
import { checkFleet } from '../../src/cluster/fleet-record.js'
import { parseRecord } from '../../src/cluster/machine-record.js'
import { machineOrigin } from '../../src/cluster/other-provisioners.js'
import { parseLease, parseSharedLease } from '../../src/dhcp/lease-file.js'
import { decodeOption, optionNames } from '../../src/dhcp/options.js'
import { optionFromText } from '../../src/dhcp/option-text.js'
import { decodePacket as decodeDhcp } from '../../src/dhcp/packet.js'
import { clientInfo, parseUserClass } from '../../src/dhcp/client-info.js'
import { describePacket } from '../../src/dhcp/describe.js'
import { vendorOption } from '../../src/dhcp/pxe.js'
import { subOption } from '../../src/dhcp/relay-agent.js'
import { withoutSecretOptions } from '../../src/dhcp/without-secrets.js'
import { messageInWords } from '../../src/dhcp/words.js'
import { parseHeader } from '../../src/disk/lines-header.js'
import { parseMounts } from '../../src/disk/mounts.js'
import { parseKey } from '../../src/etcd/keys.js'
import { decodeBase64 } from '../../src/go/base64.js'
import { parseHttpDate } from '../../src/go/http/date.js'
import { hostProblem } from '../../src/go/http/host-header.js'
import { parseRange } from '../../src/go/http/range.js'
import { escapeHtml } from '../../src/go/html.js'
import { escapeNonAscii, parseTarget } from '../../src/go/http/request-target.js'
import { planContent } from '../../src/go/http/serve-content.js'
import { parseJson } from '../../src/go/json.js'
import { parseDecimal, parseFloat64, parseWhole } from '../../src/go/number.js'
import { parseQuery } from '../../src/go/query.js'
import { goQuote } from '../../src/go/quote.js'
import { goBytes, goString, printable } from '../../src/go/string.js'
import { isDuration } from '../../src/go/time.js'
import { parseGoUrl } from '../../src/go/url.js'
import { parseLabels } from '../../src/http/labels.js'
import { readDataUrl } from '../../src/ignition/data-url.js'
import { readJson } from '../../src/ignition/json-source.js'
import { mistaken } from '../../src/ignition/mistaken.js'
import { readUnitContent } from '../../src/ignition/unit-content.js'
import { settingsOfUnit } from '../../src/inventory/matchbox-unit.js'
import { replaceBlock } from '../../src/inventory/managed-block.js'
import { readers as lists, recognise } from '../../src/inventory/recognise.js'
import { decodeText } from '../../src/inventory/source-text.js'
import { valuesIn, words, wordsAsWritten } from '../../src/inventory/unit-words.js'
import { parseMachine } from '../../src/machines/journal.js'
import { parseDelivery, parseWebhookSecret } from '../../src/machines/webhooks.js'
import { parseGroup, parseMetadata } from '../../src/matchbox/group.js'
import { fillSettings } from '../../src/matchbox/ipxe-settings.js'
import { withoutToken } from '../../src/matchbox/mask.js'
import { pinAssets } from '../../src/matchbox/pin-assets.js'
import { parseProfile } from '../../src/matchbox/profile.js'
import { parseFingerprint } from '../../src/mirror/key-store.js'
import { parseManifest } from '../../src/mirror/layout.js'
import { readReleaseMetadata, readStreamMetadata } from '../../src/mirror/stream-metadata.js'
import { parseArpTable } from '../../src/net/conflict-probe.js'
import { parseIpv4, parseSubnet } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { armoredBlocks } from '../../src/openpgp/armor.js'
import { changedText, contradictions } from '../../src/setup/config-text.js'
import { decodePacket as decodeTftp } from '../../src/tftp/packet.js'
import { packetInWords } from '../../src/tftp/words.js'
import { readSignedProgram } from '../../src/tls/authenticode.js'
import { parseCertificate } from '../../src/tls/certificate.js'
import { readCrls } from '../../src/tls/crl.js'
import { parseSubjectAltNames } from '../../src/tls/names.js'
import { parsePrefix, parseUsers } from '../../src/ui/access.js'
import { parsePlace } from '../../src/ui/paging.js'
import { readFedoraStream } from '../../src/updates/fedora-releases.js'
import { readGraphQuery } from '../../src/updates/graph-query.js'
import { parseLockRequest } from '../../src/updates/lock-request.js'
import { decodeOmahaRequest } from '../../src/updates/omaha-request.js'
import { isVersion } from '../../src/base/version.js'
import { parseWindow } from '../../src/updates/window.js'
import { visibleText } from '../../src/base/visible-text.js'
import { readYaml } from '../../src/yaml/read-yaml.js'
import { readText } from '../../src/yaml/reader.js'
import { attempt, bytes, common, config, json, pem, range, type Row, tooSlow, xml } from '../helpers/worst-octets.js'

/** By file and name, as the source has them. */
const octets = (input: string): Buffer => Buffer.from(input)
const raw = (input: string): Buffer => Buffer.from(input, 'latin1')
const jsonRow = (read: (input: string) => unknown, ...heads: readonly string[]): Row => ({ read, parts: json, heads: ['', ...heads] })
const textRow = (read: (input: string) => unknown, ...heads: readonly string[]): Row => ({ read, parts: common, heads: ['', ...heads] })
const dhcpHead = `\x01\x01\x06${'\0'.repeat(233)}\x63\x82\x53\x63`
/** What clients say in words, cut into options of 255 octets that are one (RFC 3396). */
const dhcpWords = ['\x3c', '\x4d', '\x3d', '\x0c', '\x5a', '\xaf'].flatMap(code => ['a', ' ', '\0', '"', '\x01', '\xff', ':'].map(octet => `${code}\xff${octet.repeat(255)}`))
const dhcpRow = (read: (message: Buffer) => unknown): Row =>
  ({ read: input => read(raw(input)), parts: [...bytes, ...dhcpWords], heads: [dhcpHead, `${dhcpHead}\x35\x01\x01\x3c\x20PXEClient:Arch:00007:UNDI:003016`], most: 4096 })

const rows: Readonly<Record<string, Row>> = {
  'base/visible-text visibleText': textRow(visibleText),
  'cluster/discovery-store changeFrom': jsonRow(changeFrom),
  'cluster/fleet-record checkFleet': jsonRow(input => checkFleet(octets(input), undefined, 'here')),
  'cluster/machine-record parseRecord': jsonRow(parseRecord),
  'cluster/other-provisioners machineOrigin': textRow(machineOrigin, 'http://'),
  'config/environment-file parseEnvironmentFile': { read: parseEnvironmentFile, parts: [...config, 'A="', "A='", 'A=\\\n', '\\\n'] },
  'config/reservation-file parseReservationFile': { read: input => parseReservationFile('a', input), parts: config, most: 4096 },
  'config/yaml-text parseYaml': { read: input => parseYaml('a', input), parts: config, most: 4096 },
  'dhcp/client-info clientInfo': dhcpRow(message => clientInfo(decodeDhcp(message))),
  'dhcp/client-info parseUserClass': { read: input => parseUserClass(raw(input)), parts: bytes, most: 4096 },
  'dhcp/describe describePacket': dhcpRow(message => describePacket(decodeDhcp(message))),
  'dhcp/lease-file parseLease': jsonRow(parseLease),
  'dhcp/lease-file parseSharedLease': jsonRow(parseSharedLease),
  'dhcp/option-text optionFromText': textRow(input => [43, 60, 121, 6].map(code => optionFromText(code, input)), '0x'),
  'dhcp/options decodeOption': { read: input => [...optionNames.values()].map(name => attempt(() => decodeOption(name, raw(input)))), parts: bytes, most: 4096 },
  'dhcp/packet decodePacket': { read: input => decodeDhcp(raw(input)), parts: bytes, heads: ['', dhcpHead, `${dhcpHead}\x34\x01\x03`], most: 4096 },
  'dhcp/pxe vendorOption': { read: input => vendorOption(raw(input), 9), parts: bytes, most: 4096 },
  'dhcp/relay-agent subOption': { read: input => subOption(raw(input), 9), parts: bytes, most: 4096 },
  'dhcp/without-secrets withoutSecretOptions': dhcpRow(withoutSecretOptions),
  'dhcp/words messageInWords': dhcpRow(message => messageInWords(decodeDhcp(message))),
  'disk/lines-header parseHeader': jsonRow(parseHeader),
  'disk/mounts parseMounts': { read: parseMounts, parts: [...common, '\\040', '1 1 0:1 / / - nfs a rw\n', ' - '] },
  'etcd/keys parseKey': textRow(parseKey, '/core-provisioner/v1/'),
  'go/base64 decodeBase64': textRow(decodeBase64),
  'go/http/date parseHttpDate': textRow(parseHttpDate, 'Mon, '),
  'go/http/host-header hostProblem': textRow(input => hostProblem(['Host', input], true), '['),
  'go/http/range parseRange': { read: input => parseRange(input, 1000), parts: [...common, '0-0,', '-1,', '1-', ' ,', '5-2'], heads: ['', 'bytes=', 'bytes=0-0,'] },
  'go/html escapeHtml': textRow(escapeHtml),
  'go/http/request-target escapeNonAscii': textRow(escapeNonAscii),
  'go/http/request-target parseTarget': { read: parseTarget, parts: [...common, '/', '//', '/../', '?', '/./'], heads: ['', '/', '/a?', 'http://'] },
  'go/http/serve-content planContent': {
    read: input => (['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-range'] as const).map(name =>
      planContent({ method: 'GET', headers: { range: 'bytes=0-1', [name]: input } }, { size: 1 << 20, type: 'a/b', modified: 1 })),
    parts: range,
    heads: ['', 'bytes=', '"'],
    most: 16_384
  },
  'go/json parseJson': jsonRow(input => parseJson(octets(input)), '[', '{"a":'),
  'go/number parseDecimal': { read: parseDecimal, parts: common, most: 16_384 },
  'go/number parseFloat64': { read: parseFloat64, parts: [...common, '.', 'e', '_'], heads: ['', '1', '0x'], most: 16_384 },
  'go/number parseWhole': { read: parseWhole, parts: common, most: 16_384 },
  'go/query parseQuery': textRow(parseQuery, 'a='),
  'go/quote goQuote': textRow(input => goQuote(input)),
  'go/string goBytes': textRow(goBytes),
  'go/string goString': { read: input => printable(goString(raw(input))), parts: ['a', '\xff', '\xc3', '\xf0\x9f', '\xed\xb2'] },
  'go/time isDuration': textRow(isDuration, '1h'),
  'go/url parseGoUrl': { read: parseGoUrl, parts: [...common, '/', ':', '@', '?', '[', '/../'], heads: ['', 'http://', 'http://a/'] },
  'http/labels parseLabels': { read: parseLabels, parts: [...common, 'a=b&', '&a', '%2'], heads: ['', 'mac='], most: 16_384 },
  'ignition/data-url readDataUrl': textRow(readDataUrl, 'data:', 'data:;base64,', 'data:a;'),
  'ignition/json-source readJson': jsonRow(readJson, '[', '{"a":'),
  'ignition/mistaken mistaken': { read: input => mistaken(octets(input)), parts: config, heads: ['', '#cloud-config\n'] },
  'ignition/unit-content readUnitContent': { read: input => readUnitContent(octets(input)), parts: [...config, '\\\n', 'A=\\\n'], heads: ['', '[Unit]\n'] },
  'inventory/managed-block replaceBlock': { read: input => replaceBlock('a', input, 'b', { begin: '# begin', end: '# end' }), parts: [...config, '# begin\n', '# end\n'] },
  'inventory/matchbox-unit settingsOfUnit': {
    read: input => settingsOfUnit(input, { read: () => 'A=b\n', glob: () => [] }),
    parts: [...config, 'Environment=A=b\n', 'ExecStart={ path=/a ; argv[]=/a -b c ; }\n', ' ; argv[]=', 'path=', ' ; flags=', ' ; argv[]= ; flags=', 'EnvironmentFile=/a\n', 'Environment="'],
    heads: ['', 'Environment=', 'ExecStart={ path=/opt/matchbox ; argv[]=/opt/matchbox ']
  },
  'inventory/recognise recognise': { read: input => recognise(decodeText('a', octets(input))), parts: [...config, ...json] },
  'inventory/source-text decodeText': { read: input => decodeText('a', octets(input)), parts: config },
  'inventory/unit-words valuesIn': { read: input => valuesIn([input], 'ExecStart'), parts: [...config, 'ExecStart=a\n', '\\\n', 'a\\\n', '# a\\\n'], heads: ['', '[Service]\nExecStart='] },
  'inventory/unit-words words': { read: words, parts: [...common, '"a', "'", '\\x41'] },
  'inventory/unit-words wordsAsWritten': { read: input => ['%h', `${input}%h`, `%h${input}b`].map(word => wordsAsWritten(input, [word, input, word])), parts: [...common, '%h', '%h ', '%%'] },
  'machines/journal parseMachine': jsonRow(parseMachine),
  'machines/webhooks parseDelivery': jsonRow(parseDelivery),
  'machines/webhooks parseWebhookSecret': textRow(parseWebhookSecret, 'whsec_'),
  'matchbox/group parseGroup': jsonRow(input => parseGroup(octets(input)), '{"id":"a","selector":{'),
  'matchbox/group parseMetadata': jsonRow(input => parseMetadata(octets(input)), '{"a":'),
  'matchbox/ipxe-settings fillSettings': { read: input => fillSettings(input, { mac: 'a' }), parts: [...common, '$', '$' + '{mac}', '$' + '{mac:', '}'] },
  'matchbox/mask withoutToken': { read: withoutToken, parts: [...common, 'token=', 'token', '?token=a&', 'https://'] },
  'matchbox/pin-assets pinAssets': {
    read: input => pinAssets({ kernel: input, initrd: [input], args: [input] }, { resolve: path => path, isOwn: () => true }),
    parts: [...common, '/assets/', 'assets/', 'http://', 'http://a', '@', '$' + '{', '$' + '{a}', '(https,', ':1', '://'],
    heads: ['', 'http://']
  },
  'matchbox/profile parseProfile': jsonRow(input => parseProfile(octets(input)), '{"id":"a","boot":{"args":['),
  'mirror/key-store parseFingerprint': textRow(parseFingerprint),
  'mirror/layout parseManifest': jsonRow(parseManifest),
  'mirror/stream-metadata readReleaseMetadata': jsonRow(input => readReleaseMetadata(input, 'x86_64', 'u', 'stable')),
  'mirror/stream-metadata readStreamMetadata': jsonRow(input => readStreamMetadata(input, 'x86_64', 'u', 'stable')),
  'net/conflict-probe parseArpTable': { read: parseArpTable, parts: [...common, '10.0.0.1 0x1 0x2 52:54:00:00:00:01 * eth0\n'] },
  'net/ipv4 parseIpv4': { read: parseIpv4, parts: [...common, '1.', '0'] },
  'net/ipv4 parseSubnet': { read: parseSubnet, parts: [...common, '1.', '/'] },
  'net/mac parseMac': { read: parseMac, parts: [...common, '52:', '52-'] },
  'openpgp/armor armoredBlocks': { read: input => armoredBlocks(octets(input), ['PUBLIC KEY BLOCK', 'SIGNATURE']), parts: [...pem, '-----BEGIN PGP SIGNATURE-----\n', '-----BEGIN PGP PUBLIC KEY BLOCK-----', '- -----'] },
  'setup/config-text changedText': { read: input => changedText(input, [{ path: ['http', 'address'], written: 'a', wished: 'b' } as never]), parts: config },
  'setup/config-text contradictions': { read: input => contradictions(input, {} as never), parts: config },
  'tftp/packet decodePacket': { read: input => decodeTftp(raw(input)), parts: [...bytes, 'a\0', '\0a'], heads: ['', '\0\x01', '\0\x01a\0octet\0', '\0\x06'], most: 16_384 },
  'tftp/words packetInWords': { read: input => packetInWords(raw(input), { isSent: false, octets: input.length }), parts: [...bytes, 'a\0'], heads: ['', '\0\x01', '\0\x05\0\x01'], most: 16_384 },
  'tls/authenticode readSignedProgram': { read: input => readSignedProgram(raw(input)), parts: bytes, heads: ['', `MZ${'\0'.repeat(58)}\x40\0\0\0PE\0\0`] },
  'tls/certificate parseCertificate': { read: input => parseCertificate(input, 'a'), parts: pem, heads: ['', '-----BEGIN CERTIFICATE-----\n'] },
  'tls/crl readCrls': { read: input => readCrls(input, 'a'), parts: pem, heads: ['', '-----BEGIN X509 CRL-----\n'] },
  'tls/names parseSubjectAltNames': { read: parseSubjectAltNames, parts: [...common, 'DNS:a,', 'IP:'] },
  'ui/access parsePrefix': { read: parsePrefix, parts: [...common, ':', '1.', '/'] },
  'ui/access parseUsers': { read: parseUsers, parts: [...common, 'a:$scrypt$', '$'], heads: ['', 'a:$scrypt$'] },
  'ui/paging parsePlace': textRow(parsePlace, '1.'),
  'updates/fedora-releases readFedoraStream': jsonRow(input => readFedoraStream('stable', { releases: input, updates: input }, 'here')),
  'updates/graph-query readGraphQuery': textRow(input => readGraphQuery({ stream: input, basearch: input, os_version: [input] })),
  'updates/lock-request parseLockRequest': jsonRow(input => parseLockRequest(octets(input)), '{"client_params":', '{"client_params":{"group":"'),
  'updates/omaha-request decodeOmahaRequest': { read: input => decodeOmahaRequest(octets(input)), parts: xml, heads: ['', '<request protocol="3.0">', '<request protocol="3.0"><app ', '<?xml version="1.0"?>'], most: 16_384 },
  'base/version isVersion': { read: isVersion, parts: [...common, '1.', '+a'] },
  'updates/window parseWindow': { read: parseWindow, parts: [...common, 'Mon,', 'Mon-Fri '], heads: ['', 'Mon-Fri 09:00-17:00 '] },
  'yaml/read-yaml readYaml': { read: input => readYaml(input, 'v2'), parts: ['[', '{', '"', '- ', 'a: '] },
  'yaml/reader readText': { read: input => readText(octets(input)), parts: config },
  ...Object.fromEntries(Object.entries(lists).map(([format, read]): [string, Row] =>
    [`inventory ${format}`, { read: input => read(decodeText('a', octets(input))), parts: format === 'ansible' || format === 'kea' || format === 'terraform' ? [...config, ...json] : config }]))
}

for (const [name, row] of Object.entries(rows)) {
  t.test(name, t => {
    t.same(tooSlow(row), [], 'times the work for eight times the octets')
    t.end()
  })
}

/** Readers that have their own test of this, or read nothing that a stranger or a file can make long. */
const elsewhere: Readonly<Record<string, string>> = {
  'config/plain-reservations parsePlainReservations': 'config/reservation-file tries it first',
  'config/yaml-text parseValue': 'what is typed at a command',
  'disk/disk-file readUnchanged': 'octets, as they are',
  'disk/link-looks readLink': 'where a link leads',
  'disk/open-file readPart': 'octets, as they are',
  'disk/whole-file readWhole': 'octets, as they are',
  'disk/whole-file readWholeSync': 'octets, as they are',
  'etcd/read-prefix readPrefix': 'asks etcd',
  'go/json-read readJsonText': 'go/json and ignition/json-source stand on it',
  'go/template/number parseCharacter': 'test/fuzz/template.test.ts',
  'go/template/number parseComplex': 'test/fuzz/template.test.ts',
  'go/template/number parseNumber': 'test/fuzz/template.test.ts',
  'go/template/template parseTemplate': 'test/fuzz/template.test.ts',
  'grpc/decode decodeMessage': 'test/grpc/decode.test.ts, with types',
  'ignition/clc/partition-size readSectors': 'test/ignition/clc/limits.test.ts',
  'ignition/decode decodeYaml': 'test/ignition/decode.test.ts',
  'ignition/shared-rules parseUrl': 'parseGoUrl',
  'inventory/formats/ansible readAnsible': 'the row of its format',
  'inventory/formats/csv readCsv': 'the row of its format',
  'inventory/formats/dhcpd readDhcpd': 'the row of its format',
  'inventory/formats/dnsmasq readDnsmasq': 'the row of its format',
  'inventory/formats/dnsmasq readEthers': 'the row of its format',
  'inventory/formats/dnsmasq readHosts': 'the row of its format',
  'inventory/formats/kea readKea': 'the row of its format',
  'inventory/formats/leases readLeases': 'the row of its format',
  'inventory/formats/mayu readMayu': 'the row of its format',
  'inventory/formats/pxe-hosts readPxeHosts': 'the row of its format',
  'inventory/formats/terraform readTerraform': 'the row of its format',
  'inventory/formats/tfvars readTfvars': 'the row of its format',
  'inventory/group-plan parseRoleMap': 'what is typed at a command',
  'inventory/object-notation readObjects': 'the formats stand on it',
  'inventory/read-files readFiles': 'files, each by its format',
  'machines/webhook-secret readWebhookSecret': 'machines/webhooks parseWebhookSecret',
  'mirror/binding readStatements': 'asks a publisher',
  'mirror/fetched readFetched': 'JSON.parse of what the program wrote',
  'mirror/layout readFolder': 'folders',
  'mirror/layout readFolders': 'folders',
  'mirror/layout readManifest': 'parseManifest, of a file',
  'mirror/state readOwnState': 'JSON.parse of what the program wrote',
  'mirror/state readState': 'JSON.parse of what the program wrote',
  'net/conflict-probe readArpTable': 'parseArpTable, of /proc',
  'openpgp/certificate readCertificates': 'armoredBlocks, then OpenPGP.js',
  'store/archive readArchive': 'an archive, by tar',
  'store/first-reading readFirst': 'files, in batches',
  'store/stored-file readNow': 'octets, as they are',
  'store/stored-file readLater': 'octets, as they are',
  'tls/crl readCrl': 'readCrls',
  'wiring/reservation-sources readReservations': 'config/reservation-file, of files'
}

t.test('each reader of the source has its row', t => {
  const src = fileURLToPath(new URL('../../src', import.meta.url))
  const named = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts')).sort().flatMap(file =>
    [...readFileSync(join(src, file), 'utf8').matchAll(/^export (?:async )?(?:function|const) ((?:parse|read|decode)[A-Z]\w*)/gm)].map(([, name]) => `${file.slice(0, -'.ts'.length)} ${name}`))
  t.same(named.filter(name => !(name in rows) && !(name in elsewhere)), [])
  t.same(Object.keys(elsewhere).filter(name => !named.includes(name)), [], 'what is gone')
  t.end()
})
