// The questions of an installation, and what is wrong with an answer, said when it is given. Pure: who asks, and what interfaces there
// are, is handed in.
import { hostNamePattern } from '../net/host-name.js'
import { contains, formatIpv4, formatSubnet, type Ipv4, parseIpv4, parseSubnet, type Subnet } from '../net/ipv4.js'
import { isPlain, modes, plainLetters, type WishName, type Wishes } from './wishes.js'

export interface KnownInterface { readonly name: string, readonly addresses: ReadonlyArray<{ readonly ip: Ipv4, readonly subnet: Subnet }> }

interface Question {
  readonly name: WishName
  readonly text: string
  readonly isAsked: (wishes: Wishes) => boolean
  /** What an empty answer means; '' for none. */
  readonly otherwise: (wishes: Wishes, interfaces: readonly KnownInterface[]) => string
  /** What is wrong with an answer, undefined when nothing is. */
  readonly problem: (answer: string, wishes: Wishes, interfaces: readonly KnownInterface[]) => string | undefined
}

const isServer = ({ mode }: Wishes): boolean => mode === 'server'
const nothing = (): string => ''
const addressesOf = (name: string | undefined, interfaces: readonly KnownInterface[]): KnownInterface['addresses'] => interfaces.find(one => one.name === name)?.addresses ?? []
const subnetOf = ({ subnet = '' }: Wishes): Subnet | undefined => parseSubnet(subnet)

const questions: readonly Question[] = [
  {
    name: 'mode',
    text: 'DHCP: server here, proxy beside the server of another machine, or off (server, proxy, off)',
    isAsked: () => true,
    otherwise: () => 'server',
    problem: answer => (modes as readonly string[]).includes(answer) ? undefined : `there is no mode ${answer}: server, proxy or off`
  },
  {
    name: 'interface',
    text: 'Which interface do machines boot from',
    isAsked: ({ mode }) => mode !== 'off',
    otherwise: (_, interfaces) => interfaces[0]?.name ?? '',
    problem: (answer, _, interfaces) => addressesOf(answer, interfaces).length > 0
      ? undefined
      : `no interface ${answer} with an IPv4 address on this machine; there are: ${interfaces.map(({ name }) => name).join(', ')}`
  },
  {
    name: 'subnet',
    text: 'Subnet',
    isAsked: isServer,
    otherwise: (wishes, interfaces) => addressesOf(wishes.interface, interfaces).map(({ subnet }) => formatSubnet(subnet))[0] ?? '',
    problem: (answer, wishes, interfaces) => {
      const subnet = parseSubnet(answer)
      if (subnet === undefined) return `${answer} is no subnet such as 192.168.100.0/24`
      const own = addressesOf(wishes.interface, interfaces)
      return own.some(({ ip }) => contains(subnet, ip))
        ? undefined
        : `${answer} holds no address of ${wishes.interface} (${own.map(({ ip }) => formatIpv4(ip)).join(', ')}): machines there would not be answered`
    }
  },
  {
    name: 'range',
    text: 'Range of addresses, first-last (empty: only reservations)',
    isAsked: isServer,
    otherwise: nothing,
    problem: (answer, wishes) => {
      const [first, last, ...more] = answer.split('-').map(parseIpv4)
      if (first === undefined || last === undefined || more.length > 0 || first > last) return `${answer} is no range such as 192.168.100.100-192.168.100.150`
      const subnet = subnetOf(wishes)
      return subnet === undefined || (contains(subnet, first) && contains(subnet, last)) ? undefined : `${answer} is not inside ${wishes.subnet}`
    }
  },
  {
    name: 'unknown-clients',
    text: 'Do machines without a reservation get an address from it (allow, deny)',
    isAsked: wishes => isServer(wishes) && wishes.range !== undefined,
    otherwise: () => 'deny',
    problem: answer => ['allow', 'deny'].includes(answer) ? undefined : `allow or deny, not ${answer}`
  },
  {
    name: 'router',
    text: 'Router (empty: none)',
    isAsked: isServer,
    otherwise: nothing,
    problem: (answer, wishes) => addressesProblem(answer, subnetOf(wishes))
  },
  { name: 'dns', text: 'DNS servers, with commas (empty: none)', isAsked: isServer, otherwise: nothing, problem: answer => addressesProblem(answer) },
  {
    name: 'domain',
    text: 'Domain (empty: none)',
    isAsked: isServer,
    otherwise: nothing,
    problem: answer => hostNamePattern.test(answer) ? undefined : `${answer} is no domain such as lab.example.com`
  }
]

function addressesProblem (answer: string, inside?: Subnet): string | undefined {
  for (const text of answer.split(',')) {
    const ip = parseIpv4(text)
    if (ip === undefined) return `${text === '' ? answer : text} is no IPv4 address`
    if (inside !== undefined && !contains(inside, ip)) return `${text} is not inside ${formatSubnet(inside)}`
  }
  return undefined
}

/** As often is a question asked again. */
const mostTries = 10

export interface Asking {
  readonly interfaces: readonly KnownInterface[]
  /** The answer to a question, '' for an empty line. */
  readonly ask: (text: string, otherwise: string) => Promise<string>
  readonly tell: (text: string) => void
  /** Called once an interface was chosen to give addresses on: what speaks against that, undefined when nothing does. */
  readonly against: (interfaceName: string) => Promise<string | undefined>
}

/** The answer to one question, once nothing is wrong with it; undefined where nobody gives one. */
export async function answerTo (
  { text, otherwise, problem }: Pick<Question, 'text' | 'otherwise' | 'problem'>, wishes: Wishes, { ask, tell, interfaces }: Pick<Asking, 'ask' | 'tell' | 'interfaces'>
): Promise<string | undefined> {
  const usual = otherwise(wishes, interfaces)
  for (let tries = 0; tries < mostTries; tries++) {
    // Blanks around a comma or a dash are how people write lists and ranges.
    const answer = (await ask(text, usual)).split(/([,-])/).map(part => part.trim()).join('') || usual
    if (answer === '') return ''
    const wrong = isPlain(answer) ? problem(answer, wishes, interfaces) : `that can't be: ${answer}; ${plainLetters}`
    if (wrong === undefined) return answer
    tell(wrong)
  }
  return undefined
}

/** Whether somebody says yes, however that is written; what is neither yes nor no is asked again. */
export async function agreed (text: string, otherwise: 'yes' | 'no', asking: Pick<Asking, 'ask' | 'tell'>): Promise<boolean> {
  const answer = await answerTo({
    text: `${text} (yes, no)`,
    otherwise: () => otherwise,
    problem: given => /^(?:y|yes|n|no)$/i.test(given) ? undefined : `yes or no, not ${given}`
  }, {}, { ...asking, interfaces: [] })
  return answer !== undefined && /^y/i.test(answer)
}

/** The wishes with all that is not said yet; undefined where somebody would not be asked any more. */
export async function askMissing (given: Wishes, asking: Asking): Promise<Wishes | undefined> {
  let wishes = given
  let looked = false
  for (let index = 0; index < questions.length; index++) {
    const question = questions[index]!
    if (wishes[question.name] === undefined && question.isAsked(wishes)) {
      const answer = await answerTo(question, wishes, asking)
      if (answer === undefined) return undefined
      if (answer !== '') wishes = { ...wishes, [question.name]: answer }
    }
    // Whoever was asked for the mode may take it back, once it is seen what the network is.
    if (question.name !== 'interface' || looked || !isServer(wishes) || wishes.interface === undefined || given.mode !== undefined) continue
    looked = true
    const amiss = await asking.against(wishes.interface)
    if (amiss === undefined) continue
    asking.tell(amiss)
    const again = await answerTo({ ...questions[0]!, otherwise: () => 'proxy' }, wishes, asking)
    if (again === undefined) return undefined
    wishes = { ...wishes, mode: again }
    if (again === 'off') wishes = Object.fromEntries(Object.entries(wishes).filter(([name]) => name !== 'interface'))
  }
  return wishes
}
