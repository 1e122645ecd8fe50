// A Butane document: an Ignition 3 config with the sections that Butane's variants add to it.
import { bool, int, list, optional, since, string, struct, sugar } from '../schema.js'
import { cex, config, tang } from '../spec3/schema.js'

const text = optional(string())

// The prefix stands for the reference's package of the variant's version, which is another than that of Ignition's sections.
export const bootDeviceMirror = struct('variant.BootDeviceMirror', { devices: list(string()) })
export const bootDevice = struct('variant.BootDevice', {
  layout: text,
  luks: struct('variant.BootDeviceLuks', {
    cex: since(5, cex),
    device: since(5, text),
    discard: since(4, optional(bool)),
    tang: list(tang),
    threshold: optional(int),
    tpm2: optional(bool)
  }),
  mirror: bootDeviceMirror
})

export const grubUser = struct('variant.GrubUser', { name: string(), passwordHash: text })

/** What a variant may have beside Ignition's sections; a dialect says which of them it has. */
export const sections = {
  bootDevice: sugar(bootDevice),
  grub: sugar(struct('variant.Grub', { users: list(grubUser) }))
}
export type ButaneSection = keyof typeof sections

/** For reading: whatever a dialect lacks is undefined. */
export const document = struct('Config', {
  ...config.fields,
  bootDevice: since(0, sections.bootDevice, optional(sections.bootDevice)),
  grub: since(0, sections.grub, optional(sections.grub))
})
