// A list of each format, of as many machines as are asked for.
import type { ListFormat } from '../../src/inventory/recognise.js'

/** A list of one machine in each format, made longer by `machine`. */
const samples: Readonly<Record<Exclude<ListFormat, 'json'>, readonly [head: string, machine: (index: number) => string, tail: string]>> = {
  ansible: ['[all:vars]\nnetwork_dn=lab.example\n[coreos_workers]\n', i => `w${i} ansible_host=${ip(i)}  vm_mac_addr="${mac(i)}"\n`, ''],
  csv: ['MAC,IP,HOST\n', i => `${mac(i)},${ip(i)},w${i}\n`, ''],
  dhcpd: ['subnet 10.0.0.0 netmask 255.0.0.0 { }\n', i => `host w${i} {\n  hardware ethernet ${mac(i)};\n  fixed-address ${ip(i)};\n}\n`, ''],
  dnsmasq: ['domain=lab.example\n', i => `dhcp-host=${mac(i)},${ip(i)},w${i}\n`, ''],
  ethers: ['# ours\n', i => `${mac(i)} w${i}\n`, ''],
  hosts: ['127.0.0.1 localhost\n', i => `${ip(i)} w${i}.lab.example w${i}\n`, ''],
  kea: ['{ "Dhcp4": { "reservations": [\n', i => `${i === 0 ? '' : ','} { "hw-address": "${mac(i)}", "ip-address": "${ip(i)}", "hostname": "w${i}" }\n`, '] } }\n'],
  leases: ['[\n', i => `${i === 0 ? '' : ','} { "mac": "${mac(i)}", "ip": "${ip(i)}", "hostname": "w${i}" }\n`, ']\n'],
  mayu: ['{ "Hostname": "w0", "InternalAddr": "10.0.0.1", "MacAddresses": [\n', i => `${i === 0 ? '' : ','} "${mac(i)}"\n`, '] }\n'],
  'pxe-hosts': ['{ "hosts": {\n', i => `${i === 0 ? '' : ','} "${ip(i)}": { "macaddr": "${mac(i)}", "$hostname": "w${i}", "channel": "stable" }\n`, '} }\n'],
  terraform: ['', i => `resource "matchbox_group" "w${i}" {\n  selector = { mac = "${mac(i)}" }\n  metadata = { ip = "${ip(i)}" }\n}\n`, ''],
  tfvars: ['{ "tectonic_metal_worker_macs": [\n', i => `${i === 0 ? '' : ','} "${mac(i)}"\n`, '] }\n']
}
export const mac = (i: number): string => `02:00:${[i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')}`
const ip = (i: number): string => `10.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}`
export const formats = Object.keys(samples) as Array<keyof typeof samples>
export const sample = (format: keyof typeof samples, count: number): string => {
  const [head, machine, tail] = samples[format]
  return `${head}${Array.from({ length: count }, (_, i) => machine(i)).join('')}${tail}`
}
