import type { Command } from './command.ts'
import { defaultGlobal } from './defaults.ts'
import { defaultConfig, version as installed } from './setup.ts'

/** `VERSION OS/ARCH RUNTIME-VERSION`. */
export const versionLine = (): string => `${installed()} ${process.platform}/${process.arch} ${process.version}`

export const version: Command = {
  doc: 'Show the version and the default paths.',
  async run() {
    process.stdout.write(
      [
        versionLine(),
        '',
        `default config: ${defaultConfig}`,
        `default state_dir: ${defaultGlobal('state_dir')}`,
        `default runtime_dir: ${defaultGlobal('runtime_dir')}`,
        '',
      ].join('\n'),
    )
    return 0
  },
}
