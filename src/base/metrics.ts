// What is counted, in Prometheus's terms. Each server hands its events to the wiring, which counts them here.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { LabelCounts, LabelTimes } from './label-counts.js'

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export class Metrics {
  readonly #registry = new Registry()
  readonly #in = { registers: [this.#registry] }

  readonly dhcpReceived = new LabelCounts(this.#registry, { name: 'dhcp_received_total', help: 'DHCP messages read, by type', labelNames: ['type'] })
  readonly dhcpSent = new LabelCounts(this.#registry, { name: 'dhcp_sent_total', help: 'DHCP messages sent, by type', labelNames: ['type'] })
  readonly dhcpDropped = new LabelCounts(this.#registry, { name: 'dhcp_dropped_total', help: 'DHCP messages not answered, by reason', labelNames: ['reason'] })
  readonly dhcpLeaseChanges = new LabelCounts(this.#registry, {
    name: 'dhcp_lease_changes_total', help: 'Leases released, declined, refused or found in use', labelNames: ['change']
  })

  readonly dhcpOtherServers = new Counter({ ...this.#in, name: 'dhcp_other_servers_total', help: 'How often another DHCP server was seen' })
  readonly dhcpOddOptions = new LabelCounts(this.#registry, {
    name: 'dhcp_odd_options_total', help: 'Options of DHCP messages that could not be read and were left out', labelNames: ['option']
  })

  readonly dhcpOptionsLeftOut = new Counter({ ...this.#in, name: 'dhcp_options_left_out_total', help: 'Options that did not fit into a reply' })
  readonly leaseSync = new Histogram({ ...this.#in, name: 'dhcp_lease_sync_seconds', help: 'Time to get leases onto the disk', buckets: seconds })
  readonly tftpTransfers = new LabelCounts(this.#registry, { name: 'tftp_transfers_total', help: 'TFTP requests, by how they ended', labelNames: ['result'] })
  readonly tftpBytes = new Counter({ ...this.#in, name: 'tftp_sent_bytes_total', help: 'Bytes of files sent by TFTP' })
  readonly tftpResent = new Counter({ ...this.#in, name: 'tftp_resent_packets_total', help: 'Packets of TFTP transfers that were sent more than once' })
  readonly httpRequests = new LabelCounts(this.#registry, {
    name: 'http_requests_total', help: 'HTTP requests, by what was asked for and status', labelNames: ['kind', 'status']
  })

  readonly httpBytes = new Counter({ ...this.#in, name: 'http_sent_bytes_total', help: 'Bytes of HTTP bodies sent' })
  readonly httpSeconds = new LabelTimes(this.#registry, { name: 'http_request_seconds', help: 'Time to answer an HTTP request', labelNames: ['kind'], buckets: seconds })
  readonly stages = new LabelCounts(this.#registry, { name: 'boot_stages_total', help: 'Stages of boots, by result', labelNames: ['stage', 'result'] })
  readonly installLoops = new Counter({ ...this.#in, name: 'boot_install_loops_total', help: 'Machines that loaded a kernel three times within an hour' })

  readonly enrolled = new Counter({ ...this.#in, name: 'machines_enrolled_total', help: 'Machines that were given a group of their own, by profile', labelNames: ['profile'] })

  readonly boots = new LabelCounts(this.#registry, { name: 'boots_total', help: 'Boots that came to an end, by profile and how', labelNames: ['profile', 'result'] })
  readonly bootStageSeconds = new LabelTimes(this.#registry, {
    name: 'boot_stage_seconds', help: 'Time from one stage of a boot to the next', labelNames: ['stage'], buckets: [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800]
  })

  readonly guardRefusals = new Counter({ ...this.#in, name: 'guard_refusals_total', help: 'Guarded configs that were not given to who asked' })
  readonly webhookAttempts = new Counter({ ...this.#in, name: 'webhook_attempts_total', help: 'Events sent to receivers, by how it went', labelNames: ['result'] })

  readonly rpcCalls = new Counter({ ...this.#in, name: 'rpc_calls_total', help: 'gRPC calls, by call and status code', labelNames: ['call', 'code'] })
  readonly rpcHandshakeFailures = new Counter({
    ...this.#in, name: 'rpc_handshake_failures_total', help: 'TLS handshakes that failed, by reason', labelNames: ['reason']
  })

  readonly #ready: Array<() => Uint8Array> = []
  /** Of each listener with a certificate. */
  readonly #tlsReloads = new Map<string, Counter<'result'>>()

  constructor () { collectDefaultMetrics({ register: this.#registry }) }

  /** New certificates of a listener: `https_certificate_reloads_total`. */
  tlsReloads (listener: string): Counter<'result'> {
    const counter = this.#tlsReloads.get(listener) ?? new Counter({
      ...this.#in,
      name: `${listener}_certificate_reloads_total`,
      help: 'New certificates put in force, or kept out because they do not fit',
      labelNames: ['result']
    })
    this.#tlsReloads.set(listener, counter)
    return counter
  }

  /** LabelTimes in seconds. */
  histogram (name: string, help: string): Pick<Histogram, 'observe'> { return new Histogram({ ...this.#in, name, help, buckets: seconds }) }

  /** A number that is asked for when metrics are read. */
  gauge (name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ ...this.#in, name, help, collect: () => { gauge.set(read()) } })
  }

  /** A count that something else keeps. */
  counter (name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      ...this.#in,
      name,
      help,
      collect: () => {
        counter.reset()
        counter.inc(read())
      }
    })
  }

  /** Counts that something else keeps, each told by one label. */
  counters (name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    const counter: Counter = new Counter({
      ...this.#in,
      name,
      help,
      labelNames: [label],
      collect: () => {
        counter.reset()
        for (const [value, number] of read()) counter.inc({ [label]: value }, number)
      }
    })
  }

  /** A number for several things, each told by one label. */
  gauges (name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    const gauge: Gauge = new Gauge({
      ...this.#in,
      name,
      help,
      labelNames: [label],
      collect: () => {
        gauge.reset()
        for (const [value, number] of read()) gauge.set({ [label]: value }, number)
      }
    })
  }

  /** Metrics that are text already. */
  add (read: () => Uint8Array): void { this.#ready.push(read) }

  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8'
  /** In Prometheus's text format. */
  async text (): Promise<Buffer> {
    const own = Buffer.from(await this.#registry.metrics())
    return Buffer.concat([own, ...this.#ready.flatMap(read => [Buffer.from('\n'), read()])])
  }
}
