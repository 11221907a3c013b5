/** The files of each engine: addresses, a place for the key, and no Paimon where it is misread. */
import { expect, test } from 'vitest';
import { REMOTE_ENGINES } from '../tables/engine-names.ts';
import { TABLE_SYNTAXES } from '../tables/table-syntaxes.ts';
import { engineSetup } from './engine-setup.ts';

const REQUEST = {
  uri: 'http://millrace:7411/iceberg',
  catalog: 'lake',
  withKey: true,
  paimon: null,
} as const;

test.each(REMOTE_ENGINES)('%s has the catalog, and the key by reference only', (engine) => {
  const { text } = engineSetup(engine, REQUEST);
  expect(text).toContain(REQUEST.uri);
  expect(text).toContain('millrace');
  expect(text).toMatch(/<MILLRACE_API_KEY>|\$\{ENV:MILLRACE_API_KEY\}/);
  const open = engineSetup(engine, { ...REQUEST, withKey: false }).text;
  expect(open).not.toMatch(/KEY|token|auth/i);
  expect(open).toContain(REQUEST.uri);
});

test('Trino', () => {
  expect(engineSetup('trino', REQUEST)).toEqual({
    file: 'etc/catalog/lake.properties',
    text: `connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri=http://millrace:7411/iceberg
iceberg.rest-catalog.warehouse=millrace
iceberg.rest-catalog.security=OAUTH2
iceberg.rest-catalog.oauth2.token=\${ENV:MILLRACE_API_KEY}
iceberg.security=READ_ONLY
fs.hadoop.enabled=true`,
  });
});

test('StarRocks, with Paimon', () => {
  expect(
    engineSetup('starrocks', { ...REQUEST, paimon: 'file:///w' }).text,
  ).toBe(`CREATE EXTERNAL CATALOG \`lake\` PROPERTIES (
  'type' = 'iceberg',
  'iceberg.catalog.type' = 'rest',
  'iceberg.catalog.uri' = 'http://millrace:7411/iceberg',
  'iceberg.catalog.warehouse' = 'millrace',
  'iceberg.catalog.security' = 'oauth2',
  'iceberg.catalog.oauth2.token' = '<MILLRACE_API_KEY>',
  'iceberg.catalog.vended-credentials-enabled' = 'false',
  'enable_iceberg_metadata_cache' = 'false'
);

-- Partial states of views by key, which only Millrace can combine into values.
CREATE EXTERNAL CATALOG \`lake_paimon\` PROPERTIES (
  'type' = 'paimon',
  'paimon.catalog.type' = 'filesystem',
  'paimon.catalog.warehouse' = 'file:///w'
);`);
});

test('an engine that misreads Paimon tables names those that do not', () => {
  for (const engine of REMOTE_ENGINES) {
    const set = () => engineSetup(engine, { ...REQUEST, paimon: 'file:///w' });
    if (TABLE_SYNTAXES[engine].reads.includes('paimon-primary-key'))
      expect(set().text).toContain('file:///w');
    else expect(set).toThrow('use spark, starrocks, doris, flink');
  }
  expect(TABLE_SYNTAXES.clickhouse.reads).not.toContain('paimon-primary-key');
});

test.each(['', 'A', 'a-b', '1a', 'a'.repeat(64)])('the name %j does not fit', (catalog) => {
  expect(() => engineSetup('trino', { ...REQUEST, catalog })).toThrow('the name of a catalog');
});
