/**
 * A hash of an encoded entity key, 32 bits: FNV-1a over the UTF-16 units, then MurmurHash3's final
 * mix. Files of saved states are divided by it, so it never changes.
 */
export const keyHash = (key: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
