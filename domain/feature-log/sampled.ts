/**
 * Whether a request is among those whose answers are logged. The same request id gives the same
 * answer in every process and for every service, so that a request's rows go together, and a larger
 * share takes in what a smaller one took.
 */
const SPACE = 2 ** 32;

/**
 * FNV-1a, finished as MurmurHash3 does, so that ids that count up are spread as well as random
 * ones: uniform in [0, 1).
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
