/** SQL, as the fake platform does it: each statement has one row. */
import type { Sql } from '#domain/api/sql.ts';
import { TIME } from './samples.ts';
import type { FakeState } from './state.ts';

export const fakeSql = ({ log }: FakeState): Sql => ({
  tables: async () => [],
  async query(request, caller) {
    log('sql', request, caller);
    async function* batches() {
      yield { rows: 1, columns: [[2n ** 60n]] };
    }
    return {
      engine: 'fake',
      columns: [{ name: 'n', type: { form: 'long', name: 'long' } }],
      rows: 1,
      known: TIME,
      tables: [],
      batches: batches(),
      close: () => {},
    };
  },
});
