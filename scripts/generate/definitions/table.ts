import { SCALAR_TYPES } from '#domain/values/field-type.ts';

/** A table of Markdown. */
export const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---|').join('')}`,
  ...rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
  '',
];

/** `int, long → long?; float, double → double?`; `the same` where that holds for every type */
export const typesAndResults = (
  pairs: readonly { readonly type: string; readonly result: string }[],
): string => {
  const plain = (text: string) => text.replace('?', '');
  const same = pairs.every(({ type, result }) => plain(result) === type);
  const lists = pairs.every(({ type, result }) => plain(result) === `array<${type}>`);
  const byResult = new Map<string, string[]>();
  for (const { type, result } of pairs) {
    const shown = same
      ? result.replace(type, 'the same')
      : lists
        ? result.replace(type, 'the same')
        : result;
    byResult.set(shown, [...(byResult.get(shown) ?? []), type]);
  }
  const all = pairs.length === SCALAR_TYPES.length ? 'every type' : null;
  return [...byResult]
    .map(([result, types]) => `${byResult.size === 1 && all ? all : types.join(', ')} → ${result}`)
    .join('; ');
};

export const codeText = (text: string): string => `\`${text}\``;
export const codeList = (texts: Iterable<string>): string => [...texts].map(codeText).join(', ');
export const numberText = (n: number): string =>
  n.toLocaleString('en-US', { maximumFractionDigits: 6 });
