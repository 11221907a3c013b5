/** The command line is wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const wholeOption =
  (name: string, least = 0) =>
  (text: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && Number.isSafeInteger(number)) return number;
    throw new UsageError(
      `${name} must be a whole number from ${least}, not ${JSON.stringify(text)}`,
    );
  };

/** `k=v` pairs in their order. */
export const pairsOf = (
  option: string,
  texts: readonly string[],
): readonly (readonly [key: string, value: string])[] =>
  texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)] as const;
    throw new UsageError(`${option} takes key=value, not ${JSON.stringify(text)}`);
  });
