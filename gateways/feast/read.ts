/**
 * Feast's reads. Its clients may write requests in ways that Millrace refuses; a refused request is
 * repeated as Feast would understand it. In Feast, on-demand features belong to an on-demand view;
 * here each has a name of its own: `view__feature`, which is also Feast's full name. If a requested
 * view does not exist, this on-demand feature is read.
 */

import type { Caller } from '#domain/api/caller.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { ReadRequest, ReadResult } from '#domain/api/serving.ts';
import { hasCode, MillraceError } from '#domain/errors.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import { plainOfText } from '#domain/values/scalar-of-text.ts';
import { looksLikeSeconds } from '#domain/values/time.ts';
import type { Row, ScalarType, Value } from '#domain/values/value.ts';

/**
 * The key that an import gives to a view without an entity in Feast. Feast's clients do not send
 * it, so it is added.
 */
export const EVERYTHING = { key: 'scope', value: 'all' } as const;

const exists = async (platform: Platform, name: string, caller: Caller): Promise<boolean> => {
  try {
    await platform.registry.show('on-demand-feature', name, undefined, caller);
    return true;
  } catch (error) {
    if (hasCode(error, 'MR_NOT_FOUND')) return false;
    throw error;
  }
};

/**
 * The list with the names of on-demand features here, and without `@latest`; null if nothing
 * changes.
 */
const withOnDemand = async (
  platform: Platform,
  features: readonly string[],
  caller: Caller,
): Promise<readonly string[] | null> => {
  const found = await Promise.all(
    features.map(async (requested) => {
      const feature = requested.replace('@latest:', ':');
      const name = feature.replace(/(?:@v\d+)?:/, '__');
      return name !== feature && (await exists(platform, name, caller)) ? name : feature;
    }),
  );
  return found.some((name, i) => name !== features[i]) ? found : null;
};

const fieldOf = ({ details }: MillraceError): string | null =>
  typeof details.field === 'string' ? details.field : null;

/**
 * The other form that Feast accepts: a number as text, text as a number, seconds as a time, the
 * added key.
 */
const otherForm = (field: string, type: ScalarType, value: unknown): unknown => {
  if (value === undefined && field === EVERYTHING.key) return EVERYTHING.value;
  if (typeof value === 'number') {
    if (type === 'string') return String(value);
    return type === 'timestamp' && looksLikeSeconds(value) ? value * 1000 : value;
  }
  return typeof value === 'string' && type !== 'timestamp' ? plainOfText(type, value) : value;
};

const withOtherForm = (
  rows: readonly Row[],
  field: string,
  type: ScalarType,
): readonly Row[] | null => {
  const changed = rows.map((row) => {
    const value = otherForm(field, type, row[field]) as Value;
    return value === row[field] || value === undefined ? row : { ...row, [field]: value };
  });
  return changed.some((row, i) => row !== rows[i]) ? changed : null;
};

/** The refused request as Feast would understand it; null if that is no different. */
const asFeast = async (
  platform: Platform,
  request: ReadRequest,
  error: MillraceError,
  caller: Caller,
): Promise<ReadRequest | null> => {
  const field = fieldOf(error);
  const type = error.details.type as ScalarType;
  if (
    error.code === 'MR_NOT_FOUND' &&
    error.details.view !== undefined &&
    request.features !== undefined
  ) {
    const features = await withOnDemand(platform, request.features, caller);
    return features && { ...request, features };
  }
  if (error.code === 'MR_ENTITY_INVALID' && field !== null) {
    const entities = withOtherForm(request.entities, field, type);
    return entities && { ...request, entities: entities as readonly EntityKey[] };
  }
  if (error.code === 'MR_REQUEST_INVALID' && field !== null) {
    const inputs = withOtherForm(request.request ?? [], field, type);
    return inputs && { ...request, request: inputs };
  }
  return null;
};

/**
 * Reads the unchanged request first: most requests name views and send values of the declared
 * types, and cost nothing more.
 */
export const readAsFeast = async (
  platform: Platform,
  request: ReadRequest,
  caller: Caller,
): Promise<ReadResult> => {
  let current = request;
  const seen = new Set<string>();
  for (;;) {
    try {
      return await platform.serving.read(current, caller);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      const id = `${error.code} ${fieldOf(error)}`;
      const next = seen.has(id) ? null : await asFeast(platform, current, error, caller);
      if (next === null) throw error;
      seen.add(id);
      current = next;
    }
  }
};

const ON_DEMAND = -1;

/** Feast's short names of on-demand features; the full name if the short one is ambiguous. */
const shortNames = (features: readonly string[], viewOf: readonly number[]): readonly string[] => {
  if (!viewOf.includes(ON_DEMAND)) return features;
  const short = features.map((name, i) =>
    viewOf[i] === ON_DEMAND ? name.replace(/^.+?__/, '') : name,
  );
  return short.map((name, i) =>
    short.indexOf(name) === short.lastIndexOf(name) ? name : (features[i] as string),
  );
};

export const namesOf = (result: ReadResult, full: boolean): readonly string[] => {
  const { viewOf } = result.origins as NonNullable<ReadResult['origins']>;
  if (!full) return shortNames(result.features, viewOf);
  return result.features.map((name, i) => {
    const view = result.views[viewOf[i] as number]?.view;
    return view === undefined || name.startsWith(`${view}__`) ? name : `${view}__${name}`;
  });
};
