import { messageOf } from '#domain/error-message.ts';
import { parseDuration } from '#domain/values/duration.ts';

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

/**
 * Such as 24h, as ms.
 * @param otherwise a sentence on what else may be written
 */
export const durationOption =
  (name: string, otherwise = '') =>
  (text: string): number => {
    try {
      return parseDuration(text);
    } catch (error) {
      throw new UsageError(`${name}: ${messageOf(error)}${otherwise && ` ${otherwise}`}`);
    }
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
