/**
 * Texts of the registry name the definitions that a change concerns, as kind/name, whichever
 * namespace they are in. A caller gets them without the names that it may not see.
 */
import type { Caller } from '#domain/api/caller.ts';
import { EVERYWHERE } from '#domain/authorization/grants.ts';
import { MillraceError } from '#domain/errors.ts';
import { sees } from './authorizer.ts';

const NAMED =
  /\b(?:entity|source|feature-view|on-demand-feature|feature-service)\/[a-z][a-z0-9_]{0,62}\b/g;
const HIDDEN = 'a definition of another namespace';
const LIST = new RegExp(`${HIDDEN}(?:, ${HIDDEN})+`, 'g');

type Visible = (id: string) => boolean;

/** A copy of the text without hidden names; the text itself if it has none. */
const hideInText = (text: string, visible: Visible): string => {
  if (!text.includes('/')) return text;
  const shown = text.replace(NAMED, (id) => (visible(id) ? id : HIDDEN));
  return shown === text ? text : shown.replace(LIST, 'definitions of other namespaces');
};

/** A copy of a value of JSON without hidden names, in its keys too; in lists, each text once. */
export const hideIn = <T>(value: T, visible: Visible): T => {
  if (typeof value === 'string') return hideInText(value, visible) as T;
  if (Array.isArray(value)) {
    const items = value.map((item) => hideIn(item as unknown, visible));
    return items.filter((item, i) => item !== HIDDEN || items.indexOf(item) === i) as T;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [hideInText(key, visible), hideIn(one, visible)]),
  ) as T;
};

/** The error without hidden names; any other error as it is. */
export const hideInError = (error: unknown, visible: Visible): unknown =>
  error instanceof MillraceError
    ? new MillraceError(
        error.code,
        hideInText(error.message, visible),
        hideIn(error.details, visible),
      )
    : error;

const callerIn = (args: readonly unknown[]): Caller | undefined =>
  args.findLast(
    (arg): arg is Caller => typeof arg === 'object' && arg !== null && Object.hasOwn(arg, 'actor'),
  );

/** What a caller may see of the names in texts: those of its namespaces, and unregistered ones. */
export const visibleTo =
  (caller: Caller | undefined, namespaceOf: (id: string) => string | null): Visible =>
  (id) => {
    const namespace = namespaceOf(id);
    return namespace === null || sees(caller, namespace);
  };

/**
 * An area whose errors name nothing that their caller may not see. It goes below the rules of the
 * area, whose own refusals say the same of hidden and of unregistered names.
 */
export const hidingErrors = <A extends object>(
  area: A,
  namespaceOf: (id: string) => string | null,
): A => {
  const wrapped = (method: (...args: readonly unknown[]) => unknown) =>
    function hiding(...args: readonly unknown[]): unknown {
      const caller = callerIn(args);
      if (caller === undefined || sees(caller, EVERYWHERE)) return method(...args);
      const hidden = (error: unknown): never => {
        throw hideInError(error, visibleTo(caller, namespaceOf));
      };
      try {
        const result = method(...args);
        return result instanceof Promise ? result.catch(hidden) : result;
      } catch (error) {
        return hidden(error);
      }
    };
  return Object.fromEntries(
    Object.entries(area).map(([name, method]) => [name, wrapped(method)]),
  ) as A;
};
