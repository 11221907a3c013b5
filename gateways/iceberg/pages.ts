/**
 * Pages of a list. A client that sends no page token gets all at once, as the specification says;
 * the first page has the token "". A token is the last name of the page before.
 */
import { fail } from '#domain/errors.ts';
import type { PagesQuery } from './schemas.ts';

const DEFAULT_SIZE = 100;
const MAX_SIZE = 1000;

interface Page {
  readonly names: readonly string[];
  /** null: this is the last page */
  readonly next: string | null;
}

const sizeOf = (text: string | undefined): number => {
  if (text === undefined) return DEFAULT_SIZE;
  const size = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (size < 1)
    fail('MR_PARAMETER_INVALID', `pageSize ${JSON.stringify(text)} is not a whole number from 1`, {
      parameter: 'pageSize',
    });
  return Math.min(size, MAX_SIZE);
};

/** @param names in the order of their code units */
export const pageOf = (names: readonly string[], { pageToken, pageSize }: PagesQuery): Page => {
  const size = sizeOf(pageSize);
  if (pageToken === undefined) return { names, next: null };
  const rest = names.filter((name) => name > pageToken);
  const page = rest.slice(0, size);
  return { names: page, next: rest.length > size ? (page.at(-1) as string) : null };
};
