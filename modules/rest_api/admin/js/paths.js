/** The address of a user's page. @param {string} name */
export const userPath = (name) => `#/users/${encodeURIComponent(name)}`

/** The address of a domain's page. @param {string} domain */
export const domainPath = (domain) => `#/domains/${encodeURIComponent(domain)}`

/**
 * The address of the users that are looked for.
 *
 * @param {{ search?: string, domain?: string }} filters
 */
export const usersPath = (filters) => {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''))
  return query.size === 0 ? '#/users' : `#/users?${query}`
}
