/**
 * The proto and the HTTP schemas, which equal the domain's types, have the same names: snake_case
 * in the proto, camelCase elsewhere.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { producerSequence, publishResult } from '../http/schemas/events.ts';
import { readBody, readResult } from '../http/schemas/features.ts';

const proto = readFileSync(join(import.meta.dirname, 'protos/millrace/v1/millrace.proto'), 'utf8');

const camelCase = (name: string): string =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

const fieldsOf = (message: string): readonly string[] => {
  const body = new RegExp(`^message ${message} \\{\\n([^}]*)\\}`, 'm').exec(proto)?.[1] ?? '';
  return [...body.matchAll(/^ {2}(?:repeated |optional )?[\w.]+ (\w+) = \d+;/gm)].map(
    ([, name]) => name as string,
  );
};

const propertiesOf = (schema: { readonly properties: object }): readonly string[] =>
  Object.keys(schema.properties);

/** Message, properties, and the names that only one of the two has. */
const PAIRS: readonly [
  message: string,
  properties: readonly string[],
  protoOnly: readonly string[],
  httpOnly: readonly string[],
][] = [
  // gRPC has deadlines instead of waitMs.
  ['ReadRequest', propertiesOf(readBody), [], ['waitMs']],
  // Statuses are in the rows; a refusal within a stream is an answer.
  ['ReadResponse', propertiesOf(readResult), ['error'], ['status']],
  ['ViewFreshness', propertiesOf(readResult.properties.views.items), [], []],
  ['PublishResponse', propertiesOf(publishResult), ['error'], []],
  ['RejectedEvent', propertiesOf(publishResult.properties.rejected.items), [], ['details']],
  ['ProducerSequenceResponse', propertiesOf(producerSequence), [], []],
];

test.each(PAIRS)('%s', (message, properties, protoOnly, httpOnly) => {
  const fields = fieldsOf(message);
  expect(fields.filter((name) => name !== name.toLowerCase())).toEqual([]);
  expect([...fields.map(camelCase), ...httpOnly].sort()).toEqual(
    [...properties, ...protoOnly].sort(),
  );
});
