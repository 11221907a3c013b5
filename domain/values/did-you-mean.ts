/** Names that a mistyped word may mean. */

/** Longer words are no typing errors, and would take long to compare. */
const LONGEST = 100;

/** Letters to insert, remove, replace or swap with a neighbour, to make one text the other. */
const edits = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + other,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (beforeLast[j - 2] as number) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
};

/**
 * The known name that is closest to the word: about one letter in three may differ, and upper and
 * lower case are equal. Null where no name is so close.
 */
export const didYouMean = (word: string, known: readonly string[]): string | null => {
  if (word.length > LONGEST) return null;
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const most = Math.floor((Math.max(word.length, name.length) + 1) / 3);
    if (name === word || Math.abs(name.length - word.length) > most) continue;
    const count = edits(word.toLowerCase(), name.toLowerCase());
    if (count <= most && count < least) [best, least] = [name, count];
  }
  return best;
};

/** `; did you mean "delay"?`, or nothing. */
export const suggestion = (word: string, known: readonly string[]): string => {
  const name = didYouMean(word, known);
  return name === null ? '' : `; did you mean ${JSON.stringify(name)}?`;
};
