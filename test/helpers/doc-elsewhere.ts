// What the documents name and the program does not: other programs' words, and names that the program makes of parts. test/docs-spans.test.ts
// looks for all others, and that each of these is still needed.
export const elsewhere: ReadonlyArray<{ readonly why: string, readonly spans: readonly string[] }> = [
  {
    why: 'made of parts',
    spans: [
      'update.granted', '/boot/shimx64.img', 'dhcp.interfaces.name', 'dhcp.interfaces.mode', '/etc/systemd/system/core-provisioner*', 'config.yaml.old',
      'core-provisioner-<version>-linux-x64.tar.gz', 'dist/core-provisioner-<version>-linux-x64.tar.gz',
      'sha256sum -c core-provisioner-0.1.0-linux-x64.tar.gz.sha256', '/var/lib/core-provisioner/hosts.d/', '{{.pxe_hostname}}', 'coreos_production_*',
      'flatcar_production_image.bin.bz2', 'request.raw_query', 'nodejs_', 'process_', 'nodejs_eventloop_lag_*'
    ]
  },
  { why: 'examples', spans: ['beta-etcd2', 'g.bak', 'ens160', 'pubring.gpg'] },
  { why: "the tests' own", spans: ['runCommand'] },
  {
    why: "Linux's, systemd's, firewalld's, OpenSSL's, tar's",
    spans: [
      '/dev/random', 'nmcli', 'StandardOutput=', 'systemd-analyze security', 'virbr0', 'virt-install --pxe --network bridge=br0 --boot network,hd --memory 4096',
      'firewall-cmd --permanent --direct --add-rule ipv4 filter FORWARD 0 -i ens192 -o ens160 -j ACCEPT', '--cap-add NET_RAW', 'Operation not permitted',
      'Verify return code: 0 (ok)', 'tar -xzf', 'chmod a-w'
    ]
  },
  { why: "Node.js's", spans: ['fs.watch', 'module.enableCompileCache', '--interrupt-budget', '--min-semi-space-size', 'v8.queryObjects'] },
  { why: "etcd's", spans: ['etcdctl defrag', 'readwrite'] },
  { why: "switches', VMware's", spans: ['ip helper-address', 'bios.bootOrder = "ethernet0,hdd"', 'answer VNET_2_DHCP no'] },
  {
    why: "firmware's, iPXE's",
    spans: ['ipxeboot.tar.gz', 'snponly-shim.efi', 'BOOT_ORDER', 'HTTP_PORT', 'fixup4.dat', 'bcm2711-rpi-4-b.dtb', 'RPI_EFI.fd', 'imgverify']
  },
  { why: "Matchbox's documents", spans: ['docs/ignition.md', 'docs/api-http.md'] },
  { why: "the nodes' and their publishers'", spans: ['Flatcar_Image_Signing_Key.asc', 'identity.group', '/etc/zincati/config.d/90-updates.toml', '/etc/flatcar/update.conf', '/etc/containers/registries.conf.d/'] },
  {
    why: "dnsmasq's, ISC dhcpd's, Kea's and Mayu's",
    spans: [
      '--dhcp-hostsfile', 'dhcp-option=3', 'dhcp-match', 'pxe-service', 'ntp-servers', 'default-lease-time 3600', 'option-data', 'boot-file-name',
      'reservations-global', 'host-reservation-identifiers', 'hosts-database', 'reservation-get-all', 'ip_range', '.TemplatesEnv', '.PostBootURL', 'mayuctl list'
    ]
  }
]
