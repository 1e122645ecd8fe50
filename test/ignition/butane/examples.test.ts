// Forty configs as a person writes them, each for one thing that Butane is used for: taken without a remark, found valid by the same
// rules that hold for ready configs, and with the thing where a machine looks for it.
import t from 'tap'
import { jsonText } from '../../../src/go/json.js'
import { readyIgnition } from '../../../src/ignition/ready.js'
import { transpile } from '../../../src/ignition/transpile.js'

type Example = readonly [what: string, head: string, body: string, pointer: string, expected: unknown]

const [fcos16, fcos17, fcos18, flatcar] = ['fcos 1.6.0', 'fcos 1.7.0', 'fcos 1.8.0-experimental', 'flatcar 1.1.0']
const unit = '[Unit]\nDescription=otter\n[Service]\nExecStart=/usr/bin/true\n[Install]\nWantedBy=multi-user.target\n'
const block = (text: string, indent: number): string => `|\n${text.replace(/^(?=.)/gm, ' '.repeat(indent))}`

const examples: readonly Example[] = [
  ['an SSH key', fcos16, 'passwd: {users: [{name: core, ssh_authorized_keys: [ssh-ed25519 AAAA otter]}]}', '/passwd/users/0/sshAuthorizedKeys/0', 'ssh-ed25519 AAAA otter'],
  ['a password and groups', fcos17, 'passwd: {users: [{name: romp, password_hash: $y$j9T$x, groups: [wheel, sudo]}]}', '/passwd/users/0/groups/1', 'sudo'],
  ['a user of another number', fcos16, 'passwd: {users: [{name: holt, uid: 1234, home_dir: /var/holt, no_create_home: true, shell: /bin/sh}]}', '/passwd/users/0/uid', 1234],
  ['a user who has to go', fcos17, 'passwd: {users: [{name: guest, should_exist: false}]}', '/passwd/users/0/shouldExist', false],
  ['a group', flatcar, 'passwd: {groups: [{name: rafts, gid: 900, system: true}]}', '/passwd/groups/0/gid', 900],
  ['a host name', fcos16, 'storage: {files: [{path: /etc/hostname, mode: 0644, contents: {inline: otter1}}]}', '/storage/files/0/contents/source', 'data:,otter1'],
  ['a file from the web, with its hash and a header', fcos17,
    `storage: {files: [{path: /opt/bin/x, mode: 0755, contents: {source: 'https://h.test/x', http_headers: [{name: Authorization, value: t}], verification: {hash: sha256-${'0'.repeat(64)}}}}]}`,
    '/storage/files/0/contents/httpHeaders/0/name', 'Authorization'],
  ['a file that grows', fcos16, 'storage: {files: [{path: /etc/motd, append: [{inline: a}, {inline: b}]}]}', '/storage/files/0/append/1/source', 'data:,b'],
  ['contents that compress', fcos17, `storage: {files: [{path: /etc/long, contents: {inline: "${'burrow '.repeat(200)}"}}]}`, '/storage/files/0/contents/compression', 'gzip'],
  ['a setuid program', fcos17, 'storage: {files: [{path: /usr/local/bin/s, mode: 04755, contents: {inline: s}}]}', '/storage/files/0/mode', 0o4755],
  ['a directory of somebody', flatcar, 'storage: {directories: [{path: /srv/holt, mode: 0750, user: {name: holt}, group: {id: 900}}]}', '/storage/directories/0/group/id', 900],
  ['a time zone', fcos16, 'storage: {links: [{path: /etc/localtime, target: ../usr/share/zoneinfo/Europe/Berlin}]}', '/storage/links/0/target', '../usr/share/zoneinfo/Europe/Berlin'],
  ['a hard link', fcos17, 'storage: {links: [{path: /etc/b, target: /etc/a, hard: true}]}', '/storage/links/0/hard', true],
  ['a service', fcos16, `systemd:\n  units:\n    - name: otter.service\n      enabled: true\n      contents: ${block(unit, 8)}`, '/systemd/units/0/contents', unit],
  ['a drop-in', flatcar, 'systemd: {units: [{name: docker.service, dropins: [{name: 10-x.conf, contents: "[Service]\\nEnvironment=A=b\\n"}]}]}', '/systemd/units/0/dropins/0/name', '10-x.conf'],
  ['a masked unit', fcos17, 'systemd: {units: [{name: update-engine.service, mask: true}]}', '/systemd/units/0/mask', true],
  ['an instance of a template', fcos16, 'systemd: {units: [{name: serial-getty@ttyS0.service, enabled: true}]}', '/systemd/units/0/name', 'serial-getty@ttyS0.service'],
  ['kernel arguments', fcos17, 'kernel_arguments: {should_exist: [console=ttyS0], should_not_exist: [quiet]}', '/kernelArguments/shouldNotExist/0', 'quiet'],
  ['a partition of the boot disk for /var', fcos16,
    'storage:\n  disks: [{device: /dev/disk/by-id/coreos-boot-disk, partitions: [{label: var, start_mib: 20000, size_mib: 0}]}]\n' +
    '  filesystems: [{device: /dev/disk/by-partlabel/var, path: /var, format: xfs, with_mount_unit: true}]', '/systemd/units/0/name', 'var.mount'],
  ['swap', fcos17, 'storage: {filesystems: [{device: /dev/disk/by-partlabel/swap, format: swap, wipe_filesystem: true, with_mount_unit: true}]}',
    '/systemd/units/0/name', 'dev-disk-by\\x2dpartlabel-swap.swap'],
  ['a disk by number', fcos16, 'storage: {disks: [{device: /dev/vdb, wipe_table: true, partitions: [{number: 1, label: data, type_guid: 0FC63DAF-8483-4772-8E79-3D69D8477DE4}]}]}',
    '/storage/disks/0/partitions/0/number', 1],
  ['a partition that grows', fcos17, 'storage: {disks: [{device: /dev/vdb, partitions: [{number: 1, label: data, resize: true, size_mib: 9000}]}]}', '/storage/disks/0/partitions/0/resize', true],
  ['RAID', flatcar, 'storage: {raid: [{name: data, level: raid1, devices: [/dev/vdb, /dev/vdc], spares: 0}]}', '/storage/raid/0/level', 'raid1'],
  ['a filesystem with options', fcos16, 'storage: {filesystems: [{device: /dev/vdb1, format: ext4, label: d, path: /var/d, options: [-m, "1"], mount_options: [noatime]}]}',
    '/storage/filesystems/0/mountOptions/0', 'noatime'],
  ['an encrypted volume by TPM', fcos17, 'storage: {luks: [{name: vault, device: /dev/vdb, clevis: {tpm2: true}, discard: true}]}', '/storage/luks/0/clevis/tpm2', true],
  ['an encrypted volume by Tang', fcos16,
    "storage:\n  luks: [{name: vault, device: /dev/vdb, clevis: {threshold: 1, tang: [{url: 'http://t.test', thumbprint: x, advertisement: '{}'}]}}]\n" +
    '  filesystems: [{device: /dev/mapper/vault, path: /var/v, format: xfs, with_mount_unit: true}]', '/systemd/units/0/contents', /_netdev[^]*RequiredBy=remote-fs.target/],
  ['an encrypted volume by a pin of its own', fcos17, "storage: {luks: [{name: vault, device: /dev/vdb, clevis: {custom: {pin: pkcs11, config: '{}', needs_network: true}}}]}",
    '/storage/luks/0/clevis/custom/pin', 'pkcs11'],
  ['an encrypted volume by key file', flatcar, 'storage: {luks: [{name: vault, device: /dev/vdb, key_file: {inline: k}, open_options: [--perf-no_read_workqueue]}]}',
    '/storage/luks/0/keyFile/source', 'data:,k'],
  ['an encrypted volume by a crypto card', fcos16, 'storage: {luks: [{name: vault, device: /dev/dasdb1, cex: {enabled: true}}]}', '/storage/luks/0/cex/enabled', true],
  ['an encrypted root', fcos17, 'boot_device: {luks: {tpm2: true}}', '/storage/luks/0/device', '/dev/disk/by-partlabel/root'],
  ['a mirrored root', fcos17, 'boot_device: {layout: aarch64, mirror: {devices: [/dev/vda, /dev/vdb]}}', '/storage/raid/1/name', 'md-root'],
  ['a root on a mainframe', fcos16, 'boot_device: {layout: s390x-zfcp, luks: {device: /dev/sdb, cex: {enabled: true}}}', '/storage/luks/0/device', '/dev/sdb4'],
  ['a password for GRUB', fcos17, 'grub: {users: [{name: root, password_hash: grub.pbkdf2.sha512.10000.A.B}]}', '/storage/files/0/path', '/boot/grub2/user.cfg'],
  ['a quadlet', fcos18, 'systemd: {quadlets: [{name: web.container, rootful: true, contents: "[Container]\\nImage=h.test/web\\n"}]}', '/storage/files/0/path', '/etc/containers/systemd/web.container'],
  ['an instance of a quadlet', fcos18, 'systemd: {quadlets: [{name: web@1.container}]}', '/storage/links/0/target', 'web@.container'],
  ['a config to be merged', fcos16, "ignition: {config: {merge: [{source: 'https://h.test/base.ign'}]}}", '/ignition/config/merge/0/source', 'https://h.test/base.ign'],
  ['a config inside', fcos17, 'ignition: {config: {merge: [{inline: \'{"ignition": {"version": "3.6.0"}}\'}]}}', '/ignition/config/merge/0/source', 'data:;base64,eyJpZ25pdGlvbiI6IHsidmVyc2lvbiI6ICIzLjYuMCJ9fQ=='],
  ['a certificate authority', fcos16, "ignition: {security: {tls: {certificate_authorities: [{source: 'https://h.test/ca.pem'}]}}}", '/ignition/security/tls/certificateAuthorities/0/source', 'https://h.test/ca.pem'],
  ['a proxy', flatcar, "ignition: {proxy: {http_proxy: 'http://p.test', https_proxy: 'https://p.test', no_proxy: [h.test]}}", '/ignition/proxy/noProxy/0', 'h.test'],
  ['timeouts', fcos17, 'ignition: {timeouts: {http_response_headers: 20, http_total: 600}}', '/ignition/timeouts/httpTotal', 600]
]

const at = (config: unknown, pointer: string): unknown =>
  pointer.split('/').slice(1).reduce((value: unknown, step) => Reflect.get(Object(value) as object, step), config)

t.equal(examples.length, 40)

for (const [what, head, body, pointer, expected] of examples) {
  t.test(`${head}: ${what}`, t => {
    const [variant, version] = head.split(' ')
    const { kind, ok, config = null, report } = transpile(`variant: ${variant}\nversion: ${version}\n${body}\n`)
    t.match({ kind, ok, report }, { kind: 'butane', ok: true, report: [] })
    const text = jsonText(config)
    t.match(readyIgnition(Buffer.from(text)), { report: [] }, 'valid')
    const found = at(JSON.parse(text), pointer)
    if (expected instanceof RegExp) t.match(String(found), expected)
    else t.same(found, expected)
    t.end()
  })
}
