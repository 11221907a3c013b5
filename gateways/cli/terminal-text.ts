/**
 * Text that a terminal may show. Names and values come from anywhere, and a control character in
 * them could move the cursor, set the title, or send commands to the terminal. So what the commands
 * print goes through here.
 */

/** C0 except tab and line break, DEL, C1, and the characters that change the direction of text. */
const CONTROL = /(?![\t\n])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The escapes are those of JSON, so a JSON document stays the same document. */
export const terminalText = (text: string): string => text.replace(CONTROL, escaped);
