/**
 * A package with modules of its own, as a third party would ship it: files to be put beside a configuration. `echo` greets
 * and repeats each line, until it is told to stop; `holder` is something that goes on over a reload; `broken` fails.
 */
export const echoPackage: Readonly<Record<string, string>> = {
  'node_modules/tsmaddy-echo/package.json': JSON.stringify({
    name: 'tsmaddy-echo',
    type: 'module',
    tsmaddy: { modules: { echo: './echo.js', 'storage.holder': './holder.js', broken: './broken.js' } },
  }),
  'node_modules/tsmaddy-echo/holder.js': `
    import { defineModule, Storage, text } from 'tsmaddy'
    export default defineModule({
      name: 'storage.holder', doc: 'Is kept.', provides: [Storage], kept: true, config: { note: text() },
      create: () => ({ open: async () => { throw new Error('it holds nothing') } }),
    })`,
  'node_modules/tsmaddy-echo/broken.js': `
    import { defineModule, Endpoint, endpoints, flag } from 'tsmaddy'
    export default defineModule({
      name: 'broken', doc: 'Fails.', provides: [Endpoint], inline: endpoints(), config: { only_inspect: flag() },
      create: ({ only_inspect }) => ({
        addresses: [],
        inspect: async () => { if (only_inspect) throw new Error('it was inspected') },
        start: async () => { throw new Error('it never starts') },
      }),
    })`,
  'node_modules/tsmaddy-echo/echo.js': `
    import { createInterface } from 'node:readline'
    import { defineModule, duration, Endpoint, endpoints, flag, Storage, text, use } from 'tsmaddy'
    export default defineModule({
      name: 'echo',
      doc: 'Repeats what it hears.',
      provides: [Endpoint],
      inline: endpoints().required().doc('Where to listen.'),
      config: {
        greeting: text().default('hello').doc('What is said first.'),
        grace: duration().doc('How long clients have.'),
        deaf: flag().doc('Does not stop when told to.'),
        storage: use(Storage).doc('What sessions depend on.'),
        debug: flag().inherit(),
      },
      create({ inline, greeting, grace, deaf, storage }, { serve, log }) {
        const session = async (socket, _address, stop) => {
          log.debug('session', { greeting })
          socket.write(greeting + '\\n')
          if (!deaf) stop.addEventListener('abort', () => socket.end('bye\\n'))
          for await (const line of createInterface({ input: socket })) {
            if (line === 'crash') throw new Error('crashed as asked')
            if (line === 'throw') setTimeout(() => { throw new Error('thrown as asked') })
            if (line === 'reject') void Promise.reject(new Error('rejected as asked'))
            socket.write(line + '\\n')
          }
        }
        const carriedBy = storage ? [storage] : []
        return {
          addresses: inline.map(({ text }) => text),
          start: () => serve(inline, session, { ...(grace !== undefined && { grace }), carriedBy }),
        }
      },
    })`,
}
