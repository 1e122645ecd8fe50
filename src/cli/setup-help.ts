// setup help: what install.sh takes.

export const installerHelp = `usage: install.sh [--mode server|proxy|off] [--interface NAME] [--subnet A.B.C.D/N] [--range FIRST-LAST] [--router A.B.C.D]
                  [--dns A.B.C.D[,...]] [--domain NAME] [--unknown-clients allow|deny] [--advertise NAME]
                  [--gateway NAME | --no-gateway] [--keep-config | --change-config]
                  [--no-certs] [--no-start] [--yes] [--dry-run]
       install.sh --uninstall [--purge] [--yes] [--dry-run]

Installs the folder it lies in, or upgrades to it, and starts the service as the user matchbox. Run it again at any time: what
is in place stays as it is. On a terminal it asks for what it is not told.

  --mode MODE        server: DHCP server of the subnet (what --subnet implies); proxy: only boot answers, beside a DHCP server
                     on another machine; off: no DHCP, another server names this one
  --interface NAME   the interface that machines boot from
  --subnet, --range, --router, --dns, --domain
                     what machines are given; without --range only machines with a reservation get an address
  --unknown-clients  allow gives addresses from the range to machines without a reservation (default deny)
  --advertise NAME   the name or address of this machine in URLs (default: the interface's address)
  --gateway NAME     machines reach other networks through this machine, by this interface of it (forwarding and masquerading)
  --no-gateway       not any more
  --keep-config, --change-config
                     what becomes of a configuration that is there and says something else than these flags
  --no-certs         make no certificates: the gRPC API stays off
  --no-start         install, but do not start anything
  --uninstall        stop and remove it; configuration, certificates and data stay
  --purge            with --uninstall: remove those too, and the user matchbox
  --yes              do not ask
  --dry-run          say what would be done, and do nothing

The configuration is written once, to /etc/core-provisioner/config.yaml: later it is yours.
An upgrade that is not ready (core-provisioner doctor --wait) within 30 s is taken back.
Exit status: 0 done, 1 something is in the way or failed, 2 wrong usage.
`
