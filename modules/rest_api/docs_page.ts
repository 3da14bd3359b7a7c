import type { OpenApi, Operation } from './openapi.ts'
import type { Schema } from './schemas.ts'

interface Content {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}

/** The document as a page for people, which needs nothing but itself and its style sheet. */
export const docsPage = ({ info, paths, components }: OpenApi): string => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const index = operations.map(
    ({ path, method, operation: { operationId, summary } }) =>
      `<li><a href="#${operationId}">${verb(method)} <code>${shown(path)}</code></a> ${shown(summary)}</li>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${shown(info.title)} API</title>
<link rel="icon" href="/admin/icon.svg">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header>
<h1>${shown(info.title)} API <small>${shown(info.version)}</small></h1>
<p>${shown(info.description)}</p>
<p><a href="/openapi.json">openapi.json</a> is the same for programs (OpenAPI 3.1).</p>
</header>
<nav><ul>${index.join('')}</ul></nav>
<main>
${operations.map(section).join('\n')}
<h2>Schemas</h2>
${Object.entries(components.schemas).map(schemaSection).join('\n')}
</main>
</body>
</html>
`
}

const section = ({ path, method, operation }: { path: string; method: string; operation: Operation }): string => `
<section id="${operation.operationId}">
<h3>${verb(method)} <code>${shown(path)}</code></h3>
<p><strong>${shown(operation.summary)}.</strong> ${shown(operation.description ?? '')} ${
  operation.security.length > 0 ? 'Needs the login of the administrator.' : 'Needs no login.'
}</p>
${parameters(operation)}
${body(operation)}
<table><thead><tr><th>Status</th><th>Meaning</th><th>Body</th></tr></thead><tbody>${answers(operation)}</tbody></table>
</section>`

const verb = (method: string): string => `<b class="${method}">${method.toUpperCase()}</b>`

const parameters = ({ parameters: all = [] }: Operation): string => {
  const rows = (all as readonly { name: string; in: string; description: string; schema: Schema }[]).map(
    (each) =>
      `<tr><td><code>${shown(each.name)}</code></td><td>${each.in}</td><td>${typeOf(each.schema)}</td><td>${shown(each.description)}</td></tr>`,
  )
  if (rows.length === 0) return ''
  return `<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

const body = ({ requestBody }: Operation): string =>
  requestBody ? `<p>Body: ${typeOf(schemaIn(requestBody as Content))}</p>` : ''

const answers = ({ responses }: Operation): string =>
  Object.entries(responses as Record<string, Content>)
    .map(
      ([status, answer]) =>
        `<tr><td>${status}</td><td>${shown(answer.description)}</td><td>${answer.content ? typeOf(schemaIn(answer)) : ''}</td></tr>`,
    )
    .join('')

const schemaIn = ({ content }: Content): Schema => content?.['application/json']?.schema ?? {}

const schemaSection = ([name, schema]: [string, Schema]): string => {
  const rows = Object.entries(schema.properties ?? {}).map(
    ([property, each]) =>
      `<tr><td><code>${shown(property)}</code></td><td>${typeOf(each)}</td><td>${
        schema.required?.includes(property) ? 'always' : 'optional'
      }</td><td>${shown(each.description ?? '')}</td></tr>`,
  )
  return `<section id="${name}"><h3>${name}</h3><p>${shown(schema.description ?? '')}</p>
<table><thead><tr><th>Property</th><th>Type</th><th></th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`
}

/** A type in words, with links to those that have a section. */
const typeOf = ({
  $ref,
  type,
  items,
  enum: values,
  minimum,
  maximum,
  format,
  additionalProperties,
}: Schema): string => {
  if ($ref) return link($ref.slice($ref.lastIndexOf('/') + 1))
  if (items) return `array of ${typeOf(items)}`
  if (additionalProperties) return `object of ${typeOf(additionalProperties)}`
  if (values) return values.map((value) => `<code>${shown(value)}</code>`).join(' or ')
  const bounds = minimum === undefined ? '' : ` ≥ ${minimum}`
  const top = maximum === undefined ? '' : ` ≤ ${maximum}`
  return shown(`${format === 'email' ? 'e-mail address' : (type ?? 'anything')}${bounds}${top}`)
}

const link = (name: string): string => `<a href="#${name}">${name}</a>`

const shown = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

export const docsStyle = `:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2563eb; }
@media (prefers-color-scheme: dark) { :root { --accent: #7cb0ff; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 6rem; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; }
h1 small { font-size: .9rem; font-weight: 400; opacity: .65; }
h2 { margin: 3rem 0 0; }
h3 { font-size: 1.05rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; }
nav ul { list-style: none; margin: 1.5rem 0; padding: .75rem 1rem; background: var(--soft); border-radius: .6rem; }
nav li { padding: .15rem 0; }
section { margin-top: 1.25rem; padding: 1rem 1.1rem; border: 1px solid var(--line); border-radius: .6rem; }
section:target { border-color: var(--accent); }
b { display: inline-block; min-width: 5.2em; text-align: center; font: 600 .75rem ui-monospace, monospace; padding: .12em .5em;
  border-radius: .35em; color: #fff; background: #64748b; }
b.get { background: #2563eb; } b.post { background: #15803d; } b.put { background: #b45309; } b.delete { background: #b91c1c; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; margin: .5rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; opacity: .65; }
`
