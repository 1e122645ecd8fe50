# What a machine boots and the Ignition config it reads. The config is one for all: what differs between machines is in
# the metadata of their groups.
resource "matchbox_profile" "core" {
  name   = "core"
  kernel = "/assets/${var.image}/flatcar_production_pxe.vmlinuz"
  initrd = ["/assets/${var.image}/flatcar_production_pxe_image.cpio.gz"]

  args = [
    "initrd=flatcar_production_pxe_image.cpio.gz",
    "ignition.config.url=${var.http_endpoint}/ignition?uuid=$${uuid}&mac=$${mac:hexhyp}",
    "flatcar.first_boot=yes",
    "console=tty0",
    "console=ttyS0",
  ]

  raw_ignition = jsonencode({
    ignition = { version = "3.3.0" }
    passwd = {
      users = [{ name = "core", sshAuthorizedKeys = [var.ssh_authorized_key] }]
    }
  })
}

# Which machines those are.
resource "matchbox_group" "machine" {
  for_each = var.machines

  name    = each.key
  profile = matchbox_profile.core.name

  selector = {
    mac = each.value.mac
  }

  # A mac in the selector and an ip here are the machine's reservation: with dhcp.unknown_clients: deny, without one it gets no address.
  metadata = {
    hostname = each.key
    ip       = each.value.ip
  }
}
