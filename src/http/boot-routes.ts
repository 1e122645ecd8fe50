// What a machine boots: / (a sign of life), /boot.ipxe and /boot.ipxe.0, /ipxe, /grub.
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Labels } from '../matchbox/select.js'
import { sniffed } from './answer.js'
import type { Arrival } from './arrival.js'
import type { BootingMachines } from './booting-machines.js'
import type { MachineDocuments } from './machine-documents.js'
import type { DocumentRoute } from './matchbox-routes.js'

/** Fulfilled when the machine's group is kept, or with why it gets none; undefined when there is nothing to do. */
export type Enrol = (labels: Labels, ip: string) => Promise<string | undefined> | undefined

export function bootRoutes (
  provisioner: Pick<Provisioner, 'bootScript'>, documents: MachineDocuments, booting: BootingMachines, enrol: Enrol | undefined
): readonly DocumentRoute[] {
  // Before iPXE asks for its script, nothing of ours runs on the machine.
  const enrolled = enrol === undefined
    ? undefined
    : ({ query: { labels }, client, notes }: Arrival): Promise<void> | undefined =>
        enrol(labels, client)?.then(refusal => { notes.notEnrolled = refusal })
  const name = sniffed(Buffer.from('matchbox\n'))
  let body = provisioner.bootScript()
  let script = sniffed(body)
  return [
    ['/', () => name],
    ...(['/boot.ipxe', '/boot.ipxe.0'] as const).map((path): DocumentRoute => [path, ({ notes, client }) => {
      notes.kind = notes.name = 'boot'
      const now = provisioner.bootScript(client)
      if (now !== body) [body, script] = [now, sniffed(now)]
      return script
    }]),
    ...(['ipxe', 'grub'] as const).map((kind): DocumentRoute => [`/${kind}`, arrival =>
      documents.answer(arrival, kind, 'script', ({ mac, profile, group, boot }, body) => {
        if (profile !== undefined) booting.scriptServed(arrival.client, { mac, group, profile, boot })
        return sniffed(body)
      }), kind === 'ipxe' ? enrolled : undefined])
  ]
}
