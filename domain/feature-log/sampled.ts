/**
 * Whether the answers of a request are logged. A request id gives the same result in every process
 * and for every service, so a request's rows are logged together, and a larger share includes the
 * requests of a smaller one.
 */
const SPACE = 2 ** 32;

/**
 * FNV-1a with the finalizer of MurmurHash3, so that ascending ids spread as well as random ones:
 * uniform in [0, 1).
 */
export const placeOf = (requestId: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < requestId.length; i++) h = Math.imul(h ^ requestId.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / SPACE;
};

/** @param share 0: never, 1: always */
export const isSampled = (requestId: string, share: number): boolean =>
  share >= 1 || placeOf(requestId) < share;
