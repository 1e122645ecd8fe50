import t from 'tap'
import { encodeProfile, parseProfile } from '../../src/matchbox/profile.js'

const parse = (text: string): ReturnType<typeof parseProfile> => parseProfile(Buffer.from(text))

t.test('a profile file is read as encoding/json fills the struct', t => {
  t.same(parse('{"id":"p","Boot":{"KERNEL":"k","Initrd":["i",null],"aRGS":["a"],"cmdline":{"x":"y"}},"ignition_id":"i.ign"}'),
    { id: 'p', name: '', boot: { kernel: 'k', initrd: ['i', ''], args: ['a'] }, ignitionId: 'i.ign', cloudId: '', genericId: '' })
  t.equal(parse('{"id":"p","name":null,"boot":null}').boot, undefined)
  t.same(parse('{"id":"p","boot":{}}').boot, { kernel: '', initrd: [], args: [] })
  t.same(parse('{"id":"p","boot":{"kernel":"k"},"boot":{"args":["a"]}}').boot, { kernel: 'k', initrd: [], args: ['a'] })
  t.equal(parse('{"id":"p","boot":{"resilient":true}}').boot?.resilient, true)
  for (const resilient of [true, false]) {
    t.equal(parse(encodeProfile(parse(`{"id":"p","boot":{"resilient":${resilient}}}`)).toString()).boot?.resilient, resilient)
  }
  t.equal(parse('{"id":"p","boot":{"resilient":1,"shim":7}}').boot?.resilient, undefined)
  t.equal(parse('{"id":"p","boot":{"shim":"/assets/shimx64.efi"}}').boot?.shim, '/assets/shimx64.efi')
  t.match(encodeProfile(parse('{"id":"p","boot":{"kernel":"k","shim":"/assets/shimx64.efi"}}')).toString(), '"shim": "/assets/shimx64.efi"')
  t.notMatch(encodeProfile(parse('{"id":"p","boot":{"kernel":"k","shim":""}}')).toString(), 'shim')
  t.end()
})

t.test('what is no profile', t => {
  for (const text of ['', 'null', '{}', '{"id":5}', '[]', '{"id":"p","boot":{"initrd":"x"}}', '{"id":"p","boot":{"args":[1]}}', '{"id":"p","boot":[]}']) {
    t.throws(() => parse(text), { code: 'profile_invalid' }, text)
  }
  t.end()
})

t.test('written as Matchbox writes it', t => {
  const text = '{\n\t"id": "pp",\n\t"name": "P",\n\t"ignition_id": "i",\n\t"cloud_id": "c",\n\t"boot": {\n\t\t"kernel": "k?a=1\\u0026b",' +
    '\n\t\t"initrd": [\n\t\t\t"x"\n\t\t],\n\t\t"args": [\n\t\t\t"q",\n\t\t\t""\n\t\t]\n\t},\n\t"generic_id": "g"\n}'
  t.equal(encodeProfile(parse(text)).toString(), text)
  t.equal(encodeProfile(parse('{"id":"p","boot":{}}')).toString(), '{\n\t"id": "p",\n\t"boot": {}\n}')
  t.end()
})
