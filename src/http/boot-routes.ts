// What a machine boots: / (a sign of life), /boot.ipxe and /boot.ipxe.0, /ipxe, /grub.
import type { Provisioner } from '../matchbox/provisioner.js'
import { sniffed } from './answer.js'
import type { BootingMachines } from './booting-machines.js'
import type { MachineDocuments } from './machine-documents.js'
import type { DocumentRoute } from './matchbox-routes.js'

export function bootRoutes (provisioner: Pick<Provisioner, 'bootScript'>, documents: MachineDocuments, booting: BootingMachines): readonly DocumentRoute[] {
  const name = sniffed(Buffer.from('matchbox\n'))
  const script = sniffed(provisioner.bootScript())
  return [
    ['/', () => name],
    ...(['/boot.ipxe', '/boot.ipxe.0'] as const).map((path): DocumentRoute => [path, ({ seen }) => {
      seen.kind = seen.name = 'boot'
      return script
    }]),
    ...(['ipxe', 'grub'] as const).map((kind): DocumentRoute => [`/${kind}`, arrival =>
      documents.answer(arrival, kind, 'script', ({ mac, profile, group, boot }, body) => {
        if (profile !== undefined) booting.scriptServed(arrival.client, { mac, group, profile, boot })
        return sniffed(body)
      })])
  ]
}
