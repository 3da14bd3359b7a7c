import type { Environment } from '../../grammar/environment.ts'
import type { Node, Word } from '../../grammar/node.ts'

/**
 * The configuration with the REST API in it, when the environment asks for it (`ENABLE_API=true`, in these very letters) and no
 * `rest_api` block is there already: on port `MADDY_PORT`, or 8080, of all addresses.
 */
export const withApi = (nodes: readonly Node[], env: Environment): readonly Node[] => {
  if (env.ENABLE_API !== 'true' || nodes.some(({ name }) => name.text === 'rest_api')) return nodes
  const port = env.MADDY_PORT || '8080'
  const at = { file: env.MADDY_PORT ? `ENABLE_API=true MADDY_PORT=${port}` : 'ENABLE_API=true', line: 1, column: 1 }
  const word = (text: string): Word => ({ text, quoted: false, at })
  const group = nodes.find(signs)?.args[0]?.text
  const children = group === undefined ? [] : [{ name: word('dkim'), args: [word(`&${group}`)] }]
  return [...nodes, { name: word('rest_api'), args: [word(`tcp://0.0.0.0:${port}`)], children }]
}

/** A group of modifiers at the top level with DKIM in it, which new domains get a key from. */
const signs = ({ name, children }: Node): boolean =>
  name.text === 'modifiers' && (children ?? []).some((line) => /^(modify\.)?dkim$/.test(line.name.text))
