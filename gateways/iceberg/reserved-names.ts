/**
 * The name of a column that Spark cannot have. Iceberg's Spark keeps `_partition` for a column of
 * its own, and refuses to read a table's. Files know columns by ids, so the catalog may name it
 * otherwise: for a client that sends this header, which Iceberg's clients set by `header.…`.
 */
import type { FastifyRequest } from 'fastify';
import { fail } from '#domain/errors.ts';
import { RESERVED_IN_SPARK } from '#domain/sql/tables/reserved-names.ts';

export const NAMES_HEADER = 'x-millrace-names';

/** Keys of objects; within a text the quotes would be escaped. */
const named = (name: string): string => `"name":${JSON.stringify(name)}`;

/** @throws MR_PARAMETER_INVALID */
export const namesFor = (request: Pick<FastifyRequest, 'headers'>, metadata: string): string => {
  const wanted = request.headers[NAMES_HEADER];
  if (wanted === undefined) return metadata;
  if (wanted !== 'spark')
    fail('MR_PARAMETER_INVALID', `${NAMES_HEADER} must be spark, not ${JSON.stringify(wanted)}`, {
      parameter: NAMES_HEADER,
    });
  let text = metadata;
  for (const [name, other] of RESERVED_IN_SPARK) text = text.replaceAll(named(name), named(other));
  return text;
};
