/** Arguments with `{name}` replaced by its value, anywhere in them and once; names that are unknown stay. */
export const fillPlaceholders = (args: readonly string[], values: ReadonlyMap<string, string>): string[] =>
  args.map((arg) => arg.replace(/\{([a-z_]+)\}/g, (whole, name) => values.get(name) ?? whole))
