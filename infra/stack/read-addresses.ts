/**
 * Reads the addresses of servers that were not started by `millrace stack`, from a file. The file
 * has the form that `millrace stack status --json` prints under `addresses`; absent entries keep
 * their defaults.
 */

import { readFileSync } from 'node:fs';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import type { StackAddresses } from './addresses.ts';

type Json = { readonly [name: string]: Json | string | number };

const invalid = (file: string, what: string): MillraceError =>
  new MillraceError(
    'MR_FILE_INVALID',
    `${file}: ${what}; \`millrace stack status --json\` prints addresses in the right form.`,
  );

const overlay = (file: string, path: string, expected: Json, given: unknown): Json => {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(file, `${path || 'the file'} must be an object, is ${JSON.stringify(given)}`);
  const result: Record<string, Json | string | number> = { ...expected };
  for (const [name, value] of Object.entries(given as Json)) {
    const at = path === '' ? name : `${path}.${name}`;
    const before = expected[name];
    if (before === undefined)
      throw invalid(
        file,
        `there is no address "${at}": there are ${Object.keys(expected).join(', ')}`,
      );
    if (typeof before === 'object') result[name] = overlay(file, at, before, value);
    else if (typeof value !== typeof before || value === '')
      throw invalid(file, `${at} must be a ${typeof before}, is ${JSON.stringify(value)}`);
    else result[name] = value;
  }
  return result;
};

/** @throws MR_FILE_INVALID with the name of the invalid address */
export const readAddresses = (file: string, defaults: StackAddresses): StackAddresses => {
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(file, `can't be read as JSON: ${messageOf(error)}`);
  }
  return overlay(file, '', defaults as unknown as Json, given) as unknown as StackAddresses;
};
