// Starts the built program as systemd does, with the DHCP socket opened for it: serve-handed.ts INTERFACE CONFIG. Systemd's sockets
// are bound to the interface and allow others on their port (SO_REUSEADDR).
import { spawn } from 'node:child_process'
import { openDeviceSocket } from '../../src/net/device-socket.js'
import { bundledProgram } from './built.js'

const [, , interfaceName = '', config = ''] = process.argv
const names = { dhcp: 67, 'dhcp-client': 68 }
const sockets = Object.values(names).map(port => openDeviceSocket(interfaceName, port, { shared: true }))
const child = spawn('/bin/sh', ['-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, bundledProgram(), 'serve', '--config', config], {
  env: { PATH: process.env['PATH'], LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: Object.keys(names).join(':') },
  stdio: ['ignore', 'inherit', 'inherit', ...sockets]
})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', code => process.exit(code ?? 1))
