/**
 * Reads untrusted JSON and collects every problem with its path and value, instead of stopping at
 * the first.
 */
import type { ErrorCode, Problem } from '#domain/errors.ts';
import { MillraceError } from '#domain/errors.ts';
import type { Expr } from '#domain/expressions/ast.ts';
import { parseExpr } from '#domain/expressions/parse-expr.ts';
import { didYouMean } from '#domain/values/did-you-mean.ts';

const showValue = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

const unknownProperty = (key: string, keys: readonly string[]): string => {
  const meant = didYouMean(key, keys);
  return meant === null
    ? `is unknown (the properties are ${keys.join(', ')})`
    : `is unknown (did you mean ${JSON.stringify(meant)}?)`;
};

/** Characters of a text of a definition. */
export const MAX_TEXT = 10_000;

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Reader {
  readonly problems: readonly Problem[];
  readonly problem: (path: string, what: string, value: unknown, code?: ErrorCode) => void;
  readonly object: (value: unknown, path: string, keys?: readonly string[]) => JsonObject;
  readonly list: (value: unknown, path: string, longest: number) => readonly unknown[];
  readonly text: (
    value: unknown,
    path: string,
    rule?: { readonly pattern: RegExp; readonly says: string },
    longest?: number,
  ) => string;
  readonly expr: (value: unknown, path: string) => Expr;
  /** runs `parse`; an error that it throws becomes a problem */
  readonly attempt: <T>(path: string, value: unknown, parse: () => T) => T | undefined;
}

export function reader(): Reader {
  const problems: Problem[] = [];
  const problem: Reader['problem'] = (path, what, value, code = 'MR_DEFINITION_INVALID') => {
    problems.push({ code, message: `${path} ${what}, is ${showValue(value)}.`, details: { path } });
  };
  const attempt: Reader['attempt'] = (path, _value, parse) => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      const message = error.message.startsWith(path) ? error.message : `${path}: ${error.message}`;
      problems.push({ code: error.code, message, details: { path, ...error.details } });
      return undefined;
    }
  };
  return {
    problems,
    problem,
    attempt,
    object(value, path, keys) {
      if (!isObject(value)) {
        problem(path, 'must be an object', value);
        return {};
      }
      if (keys) {
        for (const key of Object.keys(value)) {
          if (!keys.includes(key))
            problem(`${path}.${key}`, unknownProperty(key, keys), value[key]);
        }
      }
      return value;
    },
    list(value, path, longest) {
      if (Array.isArray(value) && value.length <= longest) return value;
      problem(path, `must be a list of at most ${longest}`, value);
      return [];
    },
    text(value, path, rule, longest = MAX_TEXT) {
      if (typeof value !== 'string') problem(path, 'must be a text', value);
      else if (value.length > longest)
        problem(path, `must have at most ${longest} characters`, value);
      else if (rule && !rule.pattern.test(value))
        problem(path, `must be a name (${rule.says})`, value);
      else return value;
      return '';
    },
    expr: (value, path) =>
      attempt(path, value, () => parseExpr(value, path)) ?? { op: 'lit', value: null },
  };
}
