import regexp from 'eslint-plugin-regexp'
import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'
import { layerOf, guarded, matches } from './scripts/lib/layers.js'
import { readdirSync } from 'node:fs'

// The import rules, as far as an editor can show them while one types; test/architecture.test.ts holds all of them.
const sources = readdirSync(new URL('./src', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter(f => f.endsWith('.ts')).map(f => f.slice(0, -3))

const importRules = sources.flatMap(file => {
  const layer = layerOf(file)
  const forbiddenModules = guarded.filter(g => !g.only.includes(file)).map(g => g.module)
  if (layer === undefined) return []
  const up = '../'.repeat(file.split('/').length - 1) || './'
  const forbiddenFiles = sources.filter(other => other !== file && !matches(other, [...layer.may, ...layer.types ?? []]))
    .flatMap(other => {
      const sameFolder = other.includes('/') && other.slice(0, other.lastIndexOf('/')) === file.slice(0, file.lastIndexOf('/'))
      return [`${up}${other}.js`, ...sameFolder ? [`./${other.slice(other.lastIndexOf('/') + 1)}.js`] : []]
    })
  return [{
    files: [`src/${file}.ts`],
    rules: {
      'no-restricted-imports': ['error', {
        paths: [...forbiddenModules, ...forbiddenFiles].map(name => ({ name, message: `${layer.name} may not import this (scripts/lib/layers.js)` }))
      }]
    }
  }]
})

export default [
  ...neostandard({ ts: true, noJsx: true, ignores: ['dist/', '.tap/', '.cache/', 'node_modules/', 'test/fixtures/'] }),
  {
    rules: {
      '@stylistic/max-len': ['error', { code: 140, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'no-void': 'off'
    }
  },
  // No work that grows with the square of what a stranger sends.
  {
    files: ['src/**/*.ts', 'scripts/**/*.ts'],
    plugins: { regexp },
    rules: { 'regexp/no-super-linear-backtracking': 'error', 'regexp/no-super-linear-move': 'error' }
  },
  // A promise that nobody waits for loses its error, or is answered before what it promises is done. These rules know types.
  {
    files: ['src/**/*.ts'],
    languageOptions: { parserOptions: { project: 'tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: { '@typescript-eslint/no-floating-promises': 'error', '@typescript-eslint/no-misused-promises': 'error' }
  },
  // Tables of cases read best with a case a line.
  { files: ['test/**/*.ts'], rules: { '@stylistic/max-len': ['error', { code: 180, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }] } },
  { files: ['src/**/*.ts'], rules: { 'no-console': 'error' } },
  { files: ['src/**/*.ts'], ignores: ['src/main.ts', 'src/disk/folder-lock.ts'], rules: { 'no-restricted-globals': ['error', { name: 'process', message: 'only main.ts knows the process' }] } },
  ...importRules
]
