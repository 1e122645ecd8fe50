// THE table of commands: what each is for, its forms, flags, examples. Help, completion in three shells and the man page are made of it; a
// test holds it to what the commands take.

export interface FlagUsage {
  /** What its value is called; without one it takes none. */
  readonly value?: string
  readonly short?: string
  readonly repeats?: true
  readonly what: string
  /** What its value may be. */
  readonly among?: readonly string[]
}

export interface CommandUsage {
  readonly summary: string
  /** Its operands, a line for each form it has. */
  readonly forms: readonly string[]
  /** What may stand first. */
  readonly words?: readonly string[]
  readonly flags: Readonly<Record<string, FlagUsage>>
  readonly examples: ReadonlyArray<readonly [line: string, what: string]>
  /** What its exit statuses mean, where that is not what every command's do. */
  readonly exits?: readonly string[]
}

const config = {
  config: { value: 'FILE', short: 'c', what: 'the configuration, default /etc/core-provisioner/config.yaml' },
  set: { value: 'KEY=VALUE', repeats: true, what: 'a key of the configuration, dotted, before what the file says' }
} as const
const json = { json: { what: 'JSON, for programs' } } as const
const eyes = {
  ...config,
  as: { value: 'USER', what: 'look with the rights of this user (as root; default is that of the service, if one is installed)' },
  'env-file': { value: 'FILE', what: 'the environment of the service, for MATCHBOX_*' }
} as const
const stages = ['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'initrd', 'ignition', 'installed', 'running']
const documents = ['ipxe', 'grub', 'ignition', 'cloud', 'generic', 'metadata']

export const exitStatuses: readonly string[] = ['0 success', '1 a failure, explained in one line on standard error', '2 wrong usage']

const table = {
  serve: {
    summary: 'start the appliance in the foreground',
    forms: [''],
    flags: config,
    examples: [['serve --config config.yaml', 'until SIGTERM or SIGINT; SIGHUP has files read again']]
  },
  check: {
    summary: 'validate the configuration and the store, print what would listen',
    forms: ['', '--store DIR'],
    flags: {
      ...eyes,
      ...json,
      format: { value: 'FORMAT', among: ['text', 'json', 'sarif', 'github'], what: 'how findings are told' },
      store: { value: 'DIR', what: 'look at this store alone, without a configuration' },
      strict: { what: 'a warning ends 1 as an error does' },
      'without-store': { what: 'leave the store out' },
      most: { value: 'COUNT', what: 'tell of so many findings, the worst first' }
    },
    examples: [['check', 'as serve would read it'], ['check --store examples --format github', 'for a pull request that changes groups']],
    exits: ['0 nothing worse than a warning (with --strict: than a note)', '1 an error', '2 wrong usage']
  },
  doctor: {
    summary: 'find what keeps machines from booting: network, ports, files, store, certificates, images',
    forms: [''],
    flags: {
      ...eyes,
      ...json,
      network: { what: 'look at who has the ports and who answers DHCP, and nothing else' },
      files: { what: 'look at what the service has to read and write, and nothing else' },
      wait: { value: 'SECONDS', what: 'wait for the service to be ready, and tell what is in the way when it is not' },
      alive: { what: 'with --wait: one that answers will do' }
    },
    examples: [['doctor', 'as root, who sees all'], ['doctor --wait 30', 'after a restart']],
    exits: ['0 no problem found', '1 a problem', '2 wrong usage']
  },
  render: {
    summary: 'what a machine with these labels would get',
    forms: [documents.join('|')],
    words: documents,
    flags: {
      ...eyes,
      ...json,
      label: { value: 'KEY=VALUE', short: 'l', repeats: true, what: 'what the machine says of itself' },
      explain: { what: 'which group and why, and why not the others' }
    },
    examples: [['render ipxe -l mac=52:54:00:00:00:01', 'its script'], ['render ipxe -l mac=52:54:00:00:00:01 --explain', 'why it gets that']]
  },
  transpile: {
    summary: 'Container Linux Config or Butane to Ignition JSON',
    forms: ['[FILE|-]'],
    flags: { ...json, pretty: { what: 'with line breaks' }, strict: { what: 'end 1 when there is anything to remark' } },
    examples: [['transpile node.bu', 'remarks go to standard error']]
  },
  certs: {
    summary: 'the certificates of the gRPC API',
    forms: ['init|show|renew', 'client NAME', 'revoke [NAME|FILE|SERIAL...]', 'export --client --out FILE'],
    words: ['init', 'show', 'renew', 'client', 'revoke', 'export'],
    flags: {
      ...json,
      dir: { value: 'DIR', what: 'where they are, default /etc/matchbox' },
      san: { value: 'DNS:NAME,IP:ADDRESS', repeats: true, what: 'under which clients reach the server' },
      force: { what: 'with init: replace what is there' },
      client: { what: 'export: what a client needs' },
      out: { value: 'FILE', what: 'export: the archive, such as matchbox-certs.tar.gz' }
    },
    examples: [['certs init --san IP:192.168.100.2', 'an authority, a server and a client'], ['certs client ci', 'one for a pipeline'], ['certs revoke ci', 'takes it away (rpc.crl_file)'], ['certs show', 'until when they are good']]
  },
  hosts: {
    summary: "lists of machines: taken in from other programs' files, and given back",
    forms: ['import FILE...', 'export --format FORMAT', 'list'],
    words: ['import', 'export', 'list'],
    flags: {
      ...config,
      ...json,
      format: { value: 'FORMAT', what: 'of the files; without it they are looked at' },
      name: { value: 'NAME', what: 'of the file below hosts.d' },
      'dry-run': { what: 'say what would be written' },
      groups: { what: 'write a group for each machine' },
      profile: { value: 'PROFILE', what: 'of those groups' },
      map: { value: 'ROLE=PROFILE', repeats: true, what: 'the profile of machines with this role' },
      templates: { value: 'FOLDER', what: "of pxe_coreos' templates: they become cloud-configs" },
      group: { value: 'GROUP', what: 'export: only these machines' },
      cluster: { value: 'NAME', what: 'export: the name that the file gives the cluster' },
      write: { value: 'FILE', what: 'export: into this file' },
      'import-blocks': { what: 'export for Terraform: with import blocks, for a provider that can import' }
    },
    examples: [['hosts import --dry-run /etc/dnsmasq.conf', 'what would become of it'], ['hosts list', 'every reservation and where it comes from']]
  },
  store: {
    summary: 'all groups, profiles and configs from or to a folder or an archive, byte for byte',
    forms: ['import FOLDER|TARBALL', 'export FOLDER', 'backup FILE.tar.gz', 'restore FILE.tar.gz'],
    words: ['import', 'export', 'backup', 'restore'],
    flags: {
      ...config,
      ...json,
      replace: { what: 'replace what is there and differs (restore: also delete what the backup does not have)' },
      'dry-run': { what: 'say what would become of each object' }
    },
    examples: [
      ['store backup store.tar.gz', 'of the configured store: a folder, or etcd'],
      ['store import --dry-run /var/lib/matchbox', 'what etcd would get from the folder of one machine']
    ]
  },
  updates: {
    summary: 'updates of installed machines: how far they are, and whether a group goes on',
    forms: ['list', 'pause GROUP', 'resume GROUP', 'approve GROUP VERSION'],
    words: ['list', 'pause', 'resume', 'approve'],
    flags: { ...config, ...json },
    examples: [['updates list', 'how far each group is'], ['updates pause workers', 'no further machine of them is updated']]
  },
  reboots: {
    summary: 'machines that hold a slot for a reboot',
    forms: ['list', 'release ID'],
    words: ['list', 'release'],
    flags: { ...config, ...json },
    examples: [['reboots list', 'who may reboot now, and since when']]
  },
  ui: {
    summary: 'reads a password from standard input and prints its line for ui.users_file',
    forms: ['password NAME'],
    words: ['password'],
    flags: json,
    examples: [['ui password anna >> /etc/core-provisioner/users', 'anna may look at the page']]
  },
  machines: {
    summary: 'what has been seen of machines, and what becomes of them',
    forms: ['list', 'show MACHINE', 'watch', 'wait MACHINE...', 'wait --all', 'reset MACHINE', 'adopt MAC --name NAME --profile PROFILE', 'set MACHINE --state STATE'],
    words: ['list', 'show', 'watch', 'wait', 'reset', 'adopt', 'set'],
    flags: {
      ...config,
      ...json,
      stuck: { what: 'list: those that do not get further' },
      unknown: { what: 'list: those that no group matches' },
      since: { value: 'AGE', what: 'list: those seen in the last 30s, 10m, 1h, 2d' },
      csv: { what: 'list: as CSV' },
      all: { what: 'wait: for every machine that is known' },
      stage: { value: 'STAGE', among: stages, what: 'wait: until this stage, default installed' },
      timeout: { value: 'TIME', what: 'wait: no longer than this' },
      name: { value: 'NAME', what: 'adopt: its name' },
      ip: { value: 'ADDRESS', what: 'adopt: its address' },
      profile: { value: 'PROFILE', what: 'adopt: its profile' },
      state: { value: 'STATE', among: ['configured', 'installed'], what: 'set: what it is' }
    },
    examples: [['machines list --stuck', 'who needs help'], ['machines wait --all --timeout 45m', 'until all are installed']]
  },
  leases: {
    summary: 'the leases of the running appliance',
    forms: ['list', 'release ADDRESS'],
    words: ['list', 'release'],
    flags: { ...config, ...json },
    examples: [['leases list', 'who has which address'], ['leases release 192.168.100.101', 'take one back']]
  },
  images: {
    summary: 'mirror and verify operating system images',
    forms: ['sync [SOURCE...]', 'list', 'verify', 'prune', 'keys list', 'keys add FILE --fingerprint FINGERPRINT', 'keys remove FINGERPRINT'],
    words: ['sync', 'list', 'verify', 'prune', 'keys'],
    flags: {
      ...config,
      ...json,
      'allow-older': { what: 'sync: also to an older release than the one that is here' },
      'dry-run': { what: 'prune: say what would be removed' },
      fingerprint: { value: 'FINGERPRINT', what: 'keys add: that the publisher tells elsewhere' }
    },
    examples: [['images sync', 'now, and not when the interval is over'], ['images prune --dry-run', 'what may go, and why the rest stays']]
  },
  compare: {
    summary: 'ask Matchbox and this appliance for the documents of every group, and show what differs',
    forms: ['--matchbox URL'],
    flags: { ...config, ...json, matchbox: { value: 'URL', what: 'where Matchbox answers' }, with: { value: 'URL', what: 'where this appliance answers' } },
    examples: [['compare --matchbox http://matchbox.example.com:8080', 'before machines are sent here']],
    exits: ['0 nothing differs', '1 something does', '2 wrong usage']
  },
  takeover: {
    summary: 'the settings of a matchbox.service, as an environment file',
    forms: [''],
    flags: json,
    examples: [['takeover', 'reads systemctl show --property=Environment,ExecStart matchbox.service']]
  },
  setup: {
    summary: 'what install.sh asks: what there is to do for an installation, or to take it away, and what to do next',
    forms: ['plan --to DIR --bundle DIR', 'files --to DIR', 'removal --to DIR', 'look', 'next', 'help'],
    words: ['plan', 'files', 'removal', 'look', 'next', 'help'],
    flags: {
      ...config,
      as: { value: 'USER', what: 'look, next: with the rights of this user' },
      'env-file': eyes['env-file'],
      to: { value: 'DIR', what: 'where the steps go, and files, which stands for /' },
      systemd: { value: 'VERSION', what: 'of systemd: older ones are spared what they do not know' },
      name: { value: 'NAME', repeats: true, what: "a name of this machine, for the server's certificate" },
      bundle: { value: 'DIR', what: 'plan: the unpacked bundle, which is to be installed' },
      ask: { what: 'plan, removal: ask on the terminal what is not said' },
      'dry-run': { what: 'plan, removal: what is in the way is only told' },
      idle: { what: 'plan: nothing is going to be started' },
      purge: { what: 'removal: of configuration, certificates and data too' },
      yes: { what: 'removal: nobody has to be asked' },
      'no-certs': { what: 'plan: no certificates are to be made' },
      mode: { value: 'MODE', among: ['server', 'proxy', 'off'], what: 'plan: what becomes of DHCP' },
      interface: { value: 'INTERFACE', what: 'plan: where machines boot from' },
      subnet: { value: 'SUBNET', what: 'plan: what is served, 192.168.100.0/24' },
      range: { value: 'FIRST-LAST', what: 'plan: addresses for machines without a reservation' },
      router: { value: 'ADDRESS', what: 'plan: what machines are told' },
      dns: { value: 'ADDRESS,...', what: 'plan: what machines are told' },
      domain: { value: 'NAME', what: 'plan: what machines are told' },
      'unknown-clients': { value: 'POLICY', among: ['allow', 'deny'], what: 'plan: whether machines without a reservation get an address' },
      advertise: { value: 'NAME', what: 'plan: this machine in URLs' },
      gateway: { value: 'INTERFACE', what: 'plan: machines reach other networks through this interface' },
      'no-gateway': { what: 'plan: not any more' },
      'keep-config': { what: 'plan: a configuration that is there and says something else stays' },
      'change-config': { what: 'plan: it is changed' },
      first: { what: 'next: nothing was installed before' },
      'new-certs': { what: 'next: certificates were made' }
    },
    examples: [
      ['setup files --to /tmp/files', 'what systemd and firewalld are told'],
      ['setup plan --to /tmp/plan --bundle . --interface ens192 --subnet 192.168.100.0/24', 'what install.sh would do; nothing is changed']
    ]
  },
  try: {
    summary: 'a first boot without a configuration, beside the DHCP server of the network',
    forms: ['--interface INTERFACE --image OS', '--interface INTERFACE --kernel FILE|URL [--initrd FILE|URL ...] [--args ARGUMENTS ...]'],
    flags: {
      set: config.set,
      ...json,
      interface: { value: 'INTERFACE', what: 'on which network; no other is answered' },
      image: { value: 'OS', among: ['flatcar', 'fedora-coreos'], what: 'the newest release of it, fetched and verified' },
      kernel: { value: 'FILE', what: 'a kernel of your own: a file or a URL' },
      initrd: { value: 'FILE', repeats: true, what: 'its initial file systems' },
      args: { value: 'ARGUMENTS', repeats: true, what: 'its arguments, with spaces between' },
      server: { value: 'SUBNET', what: 'give the addresses as well, on a network that has no DHCP server: 192.168.100.0/24' },
      key: { value: 'FILE', what: "the publisher's OpenPGP key, for --image" },
      fingerprint: { value: 'FINGERPRINT', what: 'of that key, as the publisher tells it elsewhere' }
    },
    examples: [
      ['try --interface ens192 --kernel vmlinuz --initrd initrd.gz --args console=ttyS0', 'until Ctrl-C; nothing of it is left'],
      ['try --interface ens192 --image flatcar --key flatcar.asc --fingerprint FINGERPRINT', 'the newest Flatcar']
    ]
  },
  completion: {
    summary: 'a script by which a shell completes commands and flags',
    forms: ['bash|zsh|fish'],
    words: ['bash', 'zsh', 'fish'],
    flags: json,
    examples: [['completion bash', 'into /usr/local/share/bash-completion/completions/core-provisioner'], ['completion fish', 'into ~/.config/fish/completions/core-provisioner.fish']]
  },
  help: {
    summary: 'all commands, one of them, or the man page',
    forms: ['[COMMAND]', '--man'],
    flags: { ...json, man: { what: 'the man page, core-provisioner(8)' } },
    examples: [['help check', 'what check takes'], ['help --man', 'into /usr/local/share/man/man8/core-provisioner.8']]
  }
} as const satisfies Readonly<Record<string, CommandUsage>>

export type CommandName = keyof typeof table
export const usage: Readonly<Record<CommandName, CommandUsage>> = table
export const commandNames = Object.keys(table) as readonly CommandName[]
export const isCommand = (name: string): name is CommandName => Object.hasOwn(table, name)
