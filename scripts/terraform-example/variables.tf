variable "rpc_endpoint" {
  description = "Host and port of the gRPC API. The host has to be among the names in server.crt."
  type        = string
  default     = "matchbox.example.com:8081"
}

variable "http_endpoint" {
  description = "URL of the HTTP API, which machines read."
  type        = string
  default     = "http://matchbox.example.com:8080"
}

variable "certificates" {
  description = "Folder with ca.crt, client.crt and client.key."
  type        = string
  default     = "./matchbox-certs"
}

variable "image" {
  description = "Folder below /assets/ with the Flatcar Container Linux image to boot."
  type        = string
  default     = "flatcar/current"
}

variable "ssh_authorized_key" {
  description = "Public key of the user core."
  type        = string
}

variable "machines" {
  description = "Machines by name, each with the hardware address it boots from (any spelling will do) and the address it gets."
  type        = map(object({ mac = string, ip = string }))
  default = {
    core-c1 = { mac = "00:0c:29:bd:7f:ec" }
  }
}
