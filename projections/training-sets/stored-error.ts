/**
 * The error of a data set as it is stored for other gateways. An error can quote a value of the
 * spine, such as an entity's key, and an erasure does not search the store of data sets: so only
 * messages that have no values are stored, and of the others the place in the spine.
 */
import type { ErrorCode, Problem } from '#domain/errors.ts';

const PLACES = ['row', 'line', 'column'] as const;

/** Codes whose messages name files, definitions and servers only. */
const WITHOUT_VALUES: ReadonlySet<ErrorCode> = new Set([
  'MR_DATA_DAMAGED',
  'MR_DISK_FULL',
  'MR_ENGINE_UNAVAILABLE',
  'MR_LOG_UNAVAILABLE',
  'MR_NOT_FOUND',
  'MR_REFUSED',
  'MR_STORE_UNAVAILABLE',
  'MR_VIEW_NOT_READY',
]);

export const storedError = (error: Problem | null): Problem | null => {
  if (error === null || WITHOUT_VALUES.has(error.code)) return error;
  const details = Object.fromEntries(
    PLACES.flatMap((name) => {
      const value = error.details?.[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const places = Object.entries(details).map(([name, value]) => `${name} ${value}`);
  const where = places.length === 0 ? '' : `, at ${places.join(', ')} of the spine`;
  const what = error.code === 'MR_SPINE_INVALID' ? 'the spine is invalid' : 'it could not be built';
  return {
    code: error.code,
    message: `${what}${where}. The whole message may quote values and is not stored: only the gateway that built the data set shows it, until it restarts. Correct this place, or start the data set again to see the message`,
    details,
  };
};
