/** The nesting depth of JSON, found without parsing it. */

/**
 * Levels. Code that shows, stores or compares a value recurses into it, so the limit is far below
 * what the stack allows. It is above every useful document: an expression of 100 levels takes about
 * 300.
 */
export const MAX_DEPTH = 500;
const [LINE_END, QUOTE, BACKSLASH, OPEN, CLOSE] = [10, 34, 92, 91, 93] as const;
/** The bit in which `{` differs from `[`, and `}` from `]`. */
const CURLY = 0x20;

/** The depth of JSON or of JSON lines; unspecified for other text. */
export const isTooDeep = (bytes: Uint8Array, byLine = false): boolean => {
  const { length } = bytes;
  if (length <= MAX_DEPTH) return false;
  let depth = 0;
  for (let i = 0; i < length; ) {
    const byte = bytes[i++] as number;
    if (byte === LINE_END && byLine) depth = 0;
    else if (byte === QUOTE) {
      while (i < length) {
        const inside = bytes[i++];
        if (inside === QUOTE || inside === LINE_END) break;
        if (inside === BACKSLASH) i++;
      }
    } else if ((byte & ~CURLY) === OPEN) {
      if (++depth > MAX_DEPTH) return true;
    } else if ((byte & ~CURLY) === CLOSE) depth--;
  }
  return false;
};
