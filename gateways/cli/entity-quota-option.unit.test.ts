import { expect, test } from 'vitest';
import { addQuota } from './entity-quota-option.ts';

test('a quota for all views, and others for some', () => {
  const quotas = ['10', 'clicks=20', 'visits=30', 'clicks=40'].reduce<
    ReturnType<typeof addQuota> | undefined
  >((before, text) => addQuota(text, before), undefined);
  expect(quotas).toEqual({ all: 10, views: { clicks: 40, visits: 30 } });
});

test('anything but a whole number from 1 is refused', () => {
  for (const text of ['', '0', '-1', '1e6', 'clicks=', 'clicks=0', '1.5'])
    expect(() => addQuota(text)).toThrow('--entity-quota must be a whole number from 1');
});
