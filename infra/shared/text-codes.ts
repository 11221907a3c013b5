/**
 * Texts as codes: equal texts have one code, and only a new one becomes a string. A hash table over
 * the bytes of the texts, with open addressing.
 */

export interface TextCodes {
  /** `values[code]` */
  readonly values: string[];
  /** @param bytes UTF-8 */
  codeOf(bytes: Uint8Array, start: number, end: number): number;
}

// a byte order mark at the start of a text is part of the text
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const FIRST_SLOTS = 4096;
const FIRST_BYTES = 1 << 16;

const hashOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
};

/** @param hash of a test, in which texts collide */
export const textCodes = (hash = hashOf): TextCodes => {
  const values: string[] = [];
  /** code + 1; 0: free */
  let slots = new Int32Array(FIRST_SLOTS);
  /** by code: its hash, and where its bytes begin; one more begins after the last */
  let hashes = new Int32Array(FIRST_SLOTS);
  let starts = new Float64Array(FIRST_SLOTS + 1);
  let arena = new Uint8Array(FIRST_BYTES);

  const equals = (code: number, bytes: Uint8Array, start: number, length: number): boolean => {
    const from = starts[code] as number;
    if ((starts[code + 1] as number) - from !== length) return false;
    for (let i = 0; i < length; i++) if (arena[from + i] !== bytes[start + i]) return false;
    return true;
  };

  const growSlots = (): void => {
    const more = slots.length * 2;
    const [oldHashes, oldStarts] = [hashes, starts];
    hashes = new Int32Array(more);
    hashes.set(oldHashes);
    starts = new Float64Array(more + 1);
    starts.set(oldStarts);
    slots = new Int32Array(more);
    for (let code = 0; code < values.length; code++) {
      let at = (hashes[code] as number) & (more - 1);
      while (slots[at] !== 0) at = (at + 1) & (more - 1);
      slots[at] = code + 1;
    }
  };

  const add = (hashed: number, bytes: Uint8Array, start: number, end: number): number => {
    const code = values.length;
    const from = starts[code] as number;
    const after = from + end - start;
    if (after > arena.length) {
      const larger = new Uint8Array(Math.max(arena.length * 2, after));
      larger.set(arena);
      arena = larger;
    }
    const text = bytes.subarray(start, end);
    arena.set(text, from);
    hashes[code] = hashed;
    starts[code + 1] = after;
    values.push(utf8.decode(text));
    return code;
  };

  return {
    values,
    codeOf(bytes, start, end) {
      const hashed = hash(bytes, start, end);
      const mask = slots.length - 1;
      let at = hashed & mask;
      for (;;) {
        const code = (slots[at] as number) - 1;
        if (code < 0) break;
        if (hashes[code] === hashed && equals(code, bytes, start, end - start)) return code;
        at = (at + 1) & mask;
      }
      const code = add(hashed, bytes, start, end);
      slots[at] = code + 1;
      // `hashes` has as many places as `slots`, which are at most half full
      if (values.length * 2 > slots.length) growSlots();
      return code;
    },
  };
};
