// A machine's last packets, as sentences about it.
import { type Html, html } from './html.js'
import { table } from './page.js'

export interface PacketShown {
  /** Epoch milliseconds. */
  readonly at: number
  /** `192.168.100.41:68` */
  readonly from: string
  readonly to: string
  /** What the machine does or is told. */
  readonly words: string
  /** What stands in it. */
  readonly details: string
}

/** `download`: the address of the same as a file for Wireshark. */
export const packetsSection = (packets: readonly PacketShown[], mac: string, download: string): Html => html`<section aria-labelledby="title-packets"><h2 id="title-packets">Its last packets</h2>
${packets.length === 0
  ? html`<p>None was seen since this service started.</p>`
  : html`<p><a href="${download}" download="${mac.replaceAll(':', '-')}.pcap">All of them for Wireshark (pcap)</a></p>`}
${packets.length > 0 && table('DHCP, and what is asked, agreed and refused by TFTP; secrets are x', ['Time (UTC)', 'The machine', 'From', 'To'], packets.map(({ at, from, to, words, details }) =>
  html`<tr><td>${new Date(at).toISOString().slice(11, 23)}</td><td>${words}<details><summary>what stands in it</summary><code>${details}</code></details></td><td>${from}</td><td>${to}</td></tr>`))}
</section>`
