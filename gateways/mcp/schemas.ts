/** Parts of the tools' schemas. A model reads them, so every property has a description. */
import type { TSchema } from 'typebox';

/**
 * A copy of a schema of the HTTP API, described for a model.
 * @param limits such as `maxItems`
 */
export const described = <S extends TSchema>(
  schema: S,
  description: string,
  limits: Readonly<Record<string, number>> = {},
): S => {
  // TypeBox marks optional properties by a property that spreading leaves out.
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(schema));
  return Object.assign(copy, { description }, limits) as unknown as S;
};

export const AT =
  'event time up to which events count: ISO 8601 with a zone, or epoch milliseconds; default: now';
export const KNOWN =
  'count only events that had arrived by this time, as a reader then saw them; default: now';

/**
 * Of every answer; the rest depends on the tool. Some clients check refusals by it, too, although
 * the protocol exempts them.
 */
export const OUTPUT = {
  type: 'object',
  properties: {
    at: { type: 'string', description: 'ISO 8601' },
    known: { type: 'string', description: 'ISO 8601' },
    link: {
      type: 'object',
      description: 'the request that reproduces the answer',
      properties: {
        method: { type: 'string', enum: ['GET', 'POST'] },
        url: { type: 'string' },
        body: { type: 'object' },
        repeatable: { type: 'boolean' },
      },
      required: ['method', 'url', 'repeatable'],
    },
  },
  anyOf: [{ required: ['at', 'known', 'link'] }, { required: ['error'] }],
};
