import type { Table } from '../../../core/index.ts'
import type { NormalizerName } from '../../../core/kit/address/index.ts'
import { normalizers } from '../../../core/kit/address/index.ts'

/**
 * The account that a login name or an address stands for: normalised, then mapped, then in lower case, as accounts are.
 * Undefined when it cannot be normalised or the map does not have it. Throws when the map cannot be asked.
 */
export const accountNames =
  (normalize: NormalizerName, map: Table | undefined) =>
  async (name: string): Promise<string | undefined> => {
    const normal = normalized(normalize, name)
    if (normal === undefined) return undefined
    const mapped = map ? (await map.lookup(normal))[0] : normal
    return mapped?.toLowerCase()
  }

const normalized = (normalize: NormalizerName, name: string): string | undefined => {
  try {
    return normalizers[normalize](name)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
