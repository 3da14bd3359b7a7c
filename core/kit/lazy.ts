/** What is only loaded when it is first asked for, and once: `import()` looks for a module anew each time. */
export const lazy = <T>(load: () => Promise<T>): (() => Promise<T>) => {
  let loading: Promise<T> | undefined
  return () => {
    loading ??= load()
    return loading
  }
}
