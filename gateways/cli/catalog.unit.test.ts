import { expect, test } from 'vitest';
import { MillraceError } from '#domain/errors.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import { entitiesOf, findTarget, requestOf } from './catalog.ts';
import type { Client } from './client.ts';

test('who names an on-demand feature is told that a service reads it', async () => {
  const get = async (asked: string): Promise<unknown> => {
    if (asked.endsWith('/on-demand-feature/late_risk'))
      return { kind: 'on-demand-feature', name: 'late_risk' };
    if (asked.endsWith('/feature-service')) return [{ name: 'scoring' }];
    if (asked.endsWith('/feature-view')) return [];
    throw new MillraceError('MR_NOT_FOUND', 'no', {});
  };
  await expect(findTarget({ get } as unknown as Client, 'late_risk')).rejects.toThrow(
    /"late_risk": it is an on-demand feature/,
  );
  await expect(findTarget({ get } as unknown as Client, 'nope')).rejects.toThrow(
    /^there is no feature service or feature view "nope"$/,
  );
  await expect(findTarget({ get } as unknown as Client, 'scorin')).rejects.toThrow(
    /^there is no feature service or feature view "scorin"; did you mean "scoring"\?$/,
  );
});

test('a text that is no value of its type is refused by the part of the request that it is in', () => {
  expect(() => requestOf(['hour=x'], new Map([['hour', parseFieldType('int?')]]))).toThrow(
    expect.objectContaining({
      code: 'MR_REQUEST_INVALID',
      message: expect.stringMatching(/^request input "hour" is "x"; it must be int: write a whole/),
    }),
  );
  expect(() => entitiesOf(['id=x'], new Map([['id', 'int']]))).toThrow(
    expect.objectContaining({ code: 'MR_ENTITY_INVALID', message: expect.stringMatching(/"id"/) }),
  );
});
