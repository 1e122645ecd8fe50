// Which subnet a request belongs to, and which addresses a host may have.
import t from 'tap'
import { isHostAddress, linkOf } from '../../src/dhcp/subnet.js'
import { formatSubnet } from '../../src/net/ipv4.js'
import { hex, ip, request, subnet } from '../helpers/dhcp.js'

const here = subnet('192.168.100.0/24')
const there = subnet('10.9.0.0/16')
const server = ip('192.168.100.2')

t.test('the subnet of a request', t => {
  const rows: ReadonlyArray<readonly [string, Parameters<typeof request>[0], Parameters<typeof request>[1], string | undefined]> = [
    ['a broadcast on the own network', {}, {}, '192.168.100.0/24'],
    ['through a relay agent', {}, { giaddr: ip('10.9.0.1') }, '10.9.0.0/16'],
    ['through a relay agent of a network nobody named', {}, { giaddr: ip('10.8.0.1') }, undefined],
    ['link selection wins over giaddr', { relayAgentInformation: hex('0504 0a090001') }, { giaddr: ip('172.16.0.1') }, '10.9.0.0/16'],
    ['link selection of a network nobody named', { relayAgentInformation: hex('0504 0a080001') }, { giaddr: ip('10.9.0.1') }, undefined],
    ['link selection without a relay agent is not heard', { relayAgentInformation: hex('0504 0a090001') }, {}, '192.168.100.0/24'],
    ['subnet selection (RFC 3011) wins over giaddr', { subnetSelection: ip('10.9.0.0') }, { giaddr: ip('192.168.100.1') }, '10.9.0.0/16'],
    ['link selection wins over subnet selection (RFC 3527)', { relayAgentInformation: hex('0504 0a090001'), subnetSelection: ip('192.168.100.0') },
      { giaddr: ip('172.16.0.1') }, '10.9.0.0/16'],
    ['a renewal through a router', { dhcpMessageType: 'REQUEST' }, { ciaddr: ip('10.9.1.7') }, '10.9.0.0/16'],
    ['INFORM through a router', { dhcpMessageType: 'INFORM' }, { ciaddr: ip('10.9.1.7') }, '10.9.0.0/16'],
    ['a stale ciaddr in a DISCOVER', { dhcpMessageType: 'DISCOVER' }, { ciaddr: ip('10.9.1.7') }, '192.168.100.0/24'],
    ['a stale ciaddr where an offer is taken', { dhcpMessageType: 'REQUEST', serverIdentifier: server }, { ciaddr: ip('10.9.1.7') }, '192.168.100.0/24'],
    ['a renewal with an address of another network', { dhcpMessageType: 'REQUEST' }, { ciaddr: ip('203.0.113.9') }, '192.168.100.0/24']
  ]
  for (const [what, options, fields, expected] of rows) {
    const found = linkOf(request(options, fields), [here, there], [server])
    t.same(found.map(({ subnet }) => formatSubnet(subnet)), expected === undefined ? [] : [expected], what)
  }
  t.same(linkOf(request({}), [there], [server]), [], 'the own network is not served')
  t.end()
})

t.test('a link is a set of subnets: by the addresses of the interface, or by its name', t => {
  const subnets = [here, there, subnet('10.8.0.0/16', undefined, { link: 'rack' }), subnet('10.7.0.0/16', undefined, { link: 'rack' })]
  const found = (fields: object, ...own: string[]): string[] => linkOf(request({}, fields), subnets, own.map(ip)).map(({ subnet }) => formatSubnet(subnet))
  t.same(found({}, '10.9.0.1', '192.168.100.2'), ['192.168.100.0/24', '10.9.0.0/16'], 'in the order written')
  t.same(found({ giaddr: ip('10.7.0.1') }, '192.168.100.2'), ['10.8.0.0/16', '10.7.0.0/16'], 'a relay agent names one of them')
  t.end()
})

t.test('addresses of hosts', t => {
  t.equal(isHostAddress(here, ip('192.168.100.1')), true)
  t.equal(isHostAddress(here, ip('192.168.100.0')), false)
  t.equal(isHostAddress(here, ip('192.168.100.255')), false)
  t.equal(isHostAddress(here, ip('192.168.101.1')), false)
  t.equal(isHostAddress(subnet('10.0.0.0/31'), ip('10.0.0.0')), true, 'RFC 3021')
  t.end()
})
