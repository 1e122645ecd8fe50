terraform {
  required_providers {
    matchbox = {
      source  = "poseidon/matchbox"
      version = ">= 0.4"
    }
  }
}

# The three files that `core-provisioner certs init` makes for clients.
provider "matchbox" {
  endpoint    = var.rpc_endpoint
  ca          = file("${var.certificates}/ca.crt")
  client_cert = file("${var.certificates}/client.crt")
  client_key  = file("${var.certificates}/client.key")
}
