/** What `JSON.parse` has had since V8 11.4, and TypeScript does not know yet. */
type SourceReviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/** As JSON.parse, but whole numbers that a number cannot hold exactly are bigints. Throws SyntaxError, or RangeError for what is nested too deep. */
export const parseExactly = (text: string): unknown => {
  const exact: SourceReviver = (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1])
}

/** As JSON.stringify, with bigints as the numbers they are. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? rawJSON(String(part)) : part))
