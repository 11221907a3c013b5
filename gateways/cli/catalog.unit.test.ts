import { expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { findTarget } from './catalog.ts';
import type { Client } from './client.ts';

test('who names an on-demand feature is told that a service reads it', async () => {
  const get = async (asked: string): Promise<unknown> => {
    if (asked.endsWith('/on-demand-feature/late_risk'))
      return { kind: 'on-demand-feature', name: 'late_risk' };
    throw new MillraceError('MR_NOT_FOUND', 'no', {});
  };
  await expect(findTarget({ get } as unknown as Client, 'late_risk')).rejects.toThrow(
    /"late_risk": it is an on-demand feature/,
  );
  await expect(findTarget({ get } as unknown as Client, 'nope')).rejects.toThrow(
    /^there is no feature service or feature view "nope"$/,
  );
});
