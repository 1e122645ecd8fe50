// What has Node.js run the project's TypeScript, among its arguments.
export const typescript = `--import=${new URL('../../scripts/lib/typescript.js', import.meta.url).href}`
