/** One `method=value` of an Authentication-Results field (RFC 8601 §2.2). Plain data. */
export interface AuthenticationResult {
  /** `spf`, `dkim`, `dmarc`, `arc`. */
  readonly method: string
  /** `pass`, `fail`, `none`, `temperror` and so on. */
  readonly value: string
  /** Why, in words; comes first among the properties. */
  readonly reason?: string
  /** `smtp.mailfrom`, `header.d` and so on; those that are empty are left out. */
  readonly properties?: Readonly<Record<string, string>>
}
