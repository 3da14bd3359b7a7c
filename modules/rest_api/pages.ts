/** Whether a path is that of a page of our own, for people and their browsers, and not of the API. */
export const isPage = (path: string): boolean => /^\/(docs|admin)(\/|$)/.test(path)
