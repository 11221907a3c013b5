/** How deep JSON is nested, before it is parsed. */

/**
 * Levels. Deeper than any JSON that means something, and far from what a stack holds: whoever
 * shows, stores or compares a value walks into it. An expression of 100 levels takes some 300.
 */
export const MAX_DEPTH = 500;
const [LINE_END, QUOTE, BACKSLASH, OPEN, CLOSE] = [10, 34, 92, 91, 93] as const;
/** `{` is `[` and `}` is `]` but for this bit. */
const CURLY = 0x20;

/** Of JSON, or of JSON by lines; of what is neither, anything. */
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
