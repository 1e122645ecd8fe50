// Calls benches and soaks with words that they are to refuse, all in one process; tells what each said, as a list in JSON on its output.
// Its argument is a list of [kind, name, ...words].
const calls = JSON.parse(process.argv[2] ?? '[]') as ReadonlyArray<readonly [kind: string, name: string, ...words: string[]]>
const told: string[] = []
for (const [kind, name, ...words] of calls) {
  const { run } = await import(new URL(`../../scripts/${kind}/${name}.ts`, import.meta.url).href) as { run: (words: readonly string[]) => Promise<void> }
  told.push(await run(words).then(() => 'it ran', (error: unknown) => String(error)))
}
process.stdout.write(JSON.stringify(told))
