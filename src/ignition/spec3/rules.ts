// Whether a config is valid Ignition 3: duplicates first, then each section by its own rules, both from the outside in, which
// is the order of the reference's reports.
import { duplicates, validate } from '../validate.js'
import { diskRules } from './check-disk.js'
import { resourceRules } from './check-resource.js'
import { storageRules } from './check-storage.js'
import { unitRules } from './check-unit.js'
import type { Struct, Values } from '../schema.js'
import type { SchemaFinding, Rules } from '../validate.js'
import type { Spec } from './schema.js'

const rules3: Rules<Spec> = new Map([...resourceRules, ...storageRules, ...diskRules, ...unitRules])

export const checkIgnition = (config: Struct, values: Values, spec: Spec): readonly SchemaFinding[] =>
  [...duplicates(config, values), ...validate(config, values, rules3, spec)]
