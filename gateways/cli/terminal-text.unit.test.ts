/** No control character reaches a terminal, and JSON keeps its meaning. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { terminalText } from './terminal-text.ts';

test('all control characters but line breaks and tabs are escaped', () => {
  for (let code = 0; code < 0x100; code++) {
    const shown = terminalText(String.fromCharCode(code));
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const kept = !control || code === 9 || code === 10;
    expect([code, shown.length === 1]).toEqual([code, kept]);
  }
  expect(terminalText('a\u001b[2J\u009b31m\u202eb')).toBe('a\\u001b[2J\\u009b31m\\u202eb');
});

test('a JSON document is the same document', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(JSON.parse(terminalText(JSON.stringify({ text })))).toEqual({ text });
    }),
  ));
