/**
 * What a module can be to another: the interface others program against, the name it goes by, and the namespace that is
 * implied where a directive wants it (`auth` for `auth &x` and `auth pass_table { … }`; empty when none is implied).
 * Roles are compared by name, so that two copies of this package never meet as strangers.
 */
export interface Role<T> {
  readonly name: string
  readonly namespace: string
  /** Carries the type; never there at run time. */
  readonly type?: T
}

/** Declares a role. `interface Table …` and `const Table = role<Table>('table')` share a name. */
export const role = <T>(name: string, namespace: string = name): Role<T> => ({ name, namespace })
