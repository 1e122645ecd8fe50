// Which URLs lead to a provisioner of the fleet.
import t from 'tap'
import { leadsToFleet } from '../../src/cluster/fleet-url.js'
import { ip } from '../helpers/dhcp.js'

const place = {
  origins: ['http://boot.example.com:8080', 'http://10.0.0.2:8080'],
  port: 8080,
  httpsPort: 8443,
  others: [
    { name: 'b', address: 'http://float.example.com:8080', addresses: ['http://10.0.0.3:8081'], httpsPort: 9443 },
    { name: 'old', address: 'http://10.0.0.4:8080', addresses: [] }
  ],
  hasAddress: (address: number) => address === ip('10.0.0.9')
}

t.test('what machines are told, an address, or a name on a port', t => {
  for (const [url, leads] of [
    ['http://boot.example.com:8080/x', true], ['https://boot.example.com:8080/x', true], ['http://boot.example.com:8081/', false],
    ['http://10.0.0.9:8080/', true], ['https://10.0.0.9:8443/', true], ['http://10.0.0.9/', false], ['http://10.0.0.8:8080/', false],
    ['http://any.example.com:8080/', true], ['http://any.example.com:8443/', true], ['http://any.example.com/', false], ['https://any.example.com/', false],
    ['http://10.0.0.3:8081/', true], ['https://10.0.0.3:9443/', true], ['https://10.0.0.3:8443/', false], ['https://10.0.0.4:8443/', true], ['http://10.0.0.3:80/', false]
  ] as const) t.equal(leadsToFleet(new URL(url), place), leads, url)
  t.equal(leadsToFleet(new URL('https://10.0.0.4:8443/'), { ...place, httpsPort: undefined }), false)
  t.equal(leadsToFleet(new URL('http://10.0.0.9/'), { ...place, port: 80 }), true)
  t.end()
})
