// Whose configuration and environment a command looks at.
import { join } from 'node:path'
import t from 'tap'
import { asInstalled } from '../../src/cli/service-config.js'

t.test('the environment file of the service that is installed', t => {
  const folder = t.testdir({ config: 'log_level: info\n', environment: 'MATCHBOX_DATA_PATH="/srv/with a blank"\n', none: {} })
  const files = { config: join(folder, 'config'), environment: join(folder, 'environment') }
  const env = { PATH: '/bin' }
  t.same(asInstalled({}, env, files), { PATH: '/bin', MATCHBOX_DATA_PATH: '/srv/with a blank' })
  t.same(asInstalled({ config: files.config }, env, files), { PATH: '/bin', MATCHBOX_DATA_PATH: '/srv/with a blank' }, 'also of who names it')
  t.equal(asInstalled({ config: 'other.yaml' }, env, files), env, 'not of another configuration')
  const own = { MATCHBOX_ADDRESS: '0.0.0.0:80' }
  t.equal(asInstalled({}, own, files), own, 'not for who says something else')
  t.equal(asInstalled({}, env, { ...files, config: join(folder, 'missing') }), env, 'nothing is installed')
  t.equal(asInstalled({}, env, { ...files, environment: join(folder, 'missing') }), env)
  t.throws(() => asInstalled({}, env, { ...files, environment: join(folder, 'none') }), { code: 'read_failed', message: /which the service reads, cannot be read/ })
  t.end()
})
