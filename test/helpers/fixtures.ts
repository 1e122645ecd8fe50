// The DHCP messages of test/fixtures/dhcp.
import { readdirSync, readFileSync } from 'node:fs'

export interface PacketFixture { readonly name: string, readonly bytes: Buffer, readonly description: string }

const folder = new URL('../fixtures/dhcp/', import.meta.url)

export function packetFixture (name: string): PacketFixture {
  const lines = readFileSync(new URL(`${name}.hex`, folder), 'utf8').split('\n')
  return {
    name,
    bytes: Buffer.from(lines.filter(line => !/^[#>]/.test(line)).join(''), 'hex'),
    description: lines.find(line => line.startsWith('> '))?.slice(2) ?? ''
  }
}

export const packetFixtures = (): readonly PacketFixture[] =>
  readdirSync(folder).filter(name => name.endsWith('.hex')).map(name => packetFixture(name.slice(0, -4)))
