/**
 * FNV-1a over UTF-16 code units, 64 bits in two halves. It names partials and distinguishes plans;
 * it is not a cryptographic hash.
 */
export const hash64 = (text: string): string => {
  let a = 0x811c9dc5;
  let b = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c ^ (a >>> 7), 0x85ebca6b);
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
};
