/** Tables, as the fake platform has them. */
import { noTable, type Tables } from '#domain/api/tables.ts';
import { fail } from '#domain/errors.ts';

const RAW = ['flights', 'planes', 'weather'];
export const FAKE_ID = '9223372036854775807';

export const fakeTables = (): Tables => ({
  async list(namespace) {
    if (namespace === 'raw') return RAW;
    return namespace === 'rollup' || namespace === 'served'
      ? []
      : fail('MR_NOT_FOUND', `there is no namespace "${namespace}"`, { namespace });
  },
  async load(table, snapshots) {
    if (table.namespace !== 'raw' || !RAW.includes(table.name)) return noTable(table);
    return {
      location: `file:///data/history/raw/${table.name}/metadata/v1.metadata.json`,
      metadata: `{"format-version":2,"current-snapshot-id":${FAKE_ID},"properties":{"of":"${snapshots}"}}`,
    };
  },
  exists: async ({ namespace, name }) => namespace === 'raw' && RAW.includes(name),
});
