/**
 * A rollup in a process that is killed, again and again, at random moments: in the end the table
 * has each row once, with the values of a run that nobody killed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, entity, featureView, source } from 'millrace';
import { afterAll, expect, test } from 'vitest';
import { startEmbedded } from '#infra/profiles/embedded.ts';
import { plain } from '#tests/support/platform.ts';
import { sqlRows } from './expected.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 0, 1);
const HOURS = 1_500;
const caller = { actor: 'test' };

const directory = mkdtempSync(join(tmpdir(), 'millrace-rollup-kill-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** @returns whether it ended by itself */
const runUntil = (killAfterMs: number | null): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'rollup-until-killed.ts');
    const child = spawn(process.execPath, [script, directory, String(T)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let done = false;
    child.stdout.on('data', (data: Buffer) => {
      const text = String(data);
      if (text.includes('ready') && killAfterMs !== null)
        setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      if (text.includes('done')) done = true;
    });
    child.once('error', reject);
    child.once('close', () => resolve(done));
  });

test('a rollup that is killed again and again loses no row and has none twice', async () => {
  const shop = entity({ name: 'shop', keys: { shop: 'string' } });
  const sales = source({
    name: 'sales',
    fields: { at: 'timestamp', shop: 'string' },
    eventTime: 'at',
  });
  const totals = featureView({
    name: 'totals',
    entity: shop,
    source: sales,
    features: { sold: count({ window: '3h' }) },
  });
  const open = () => startEmbedded({ dataDirectory: directory, historyEveryMs: 0, warn: () => {} });
  let platform = await open();
  await platform.registry.apply(plain(shop, sales, totals), {}, caller);
  const events = Array.from({ length: HOURS }, (_, i) => ({
    at: T + i * HOUR + 1,
    shop: `s${i % 3}`,
  }));
  await platform.publishing.publish({ source: 'sales', events }, caller);
  await platform.close();

  let killed = 0;
  // Parts of 400 hours: the moments are between them, and in each.
  for (const after of [60, 250, 500, 350, 700]) if (!(await runUntil(after))) killed++;
  expect(killed).toBeGreaterThan(0);
  expect(await runUntil(null)).toBe(true);

  platform = await open();
  try {
    // A window of three hours has an event of each shop, but at the start.
    const rows = await sqlRows(
      platform,
      'SELECT key_shop, sold, valid_from, valid_to FROM totals_history ORDER BY 1, 3',
    );
    expect(rows).toHaveLength(3);
    rows.forEach((row, i) => {
      expect(row).toMatchObject({
        key_shop: `s${i}`,
        sold: 1,
        valid_from: T + (i + 1) * HOUR,
        valid_to: null,
      });
    });
    const result = await platform.datasets.rollup({ view: 'totals', every: 'hour' }, caller);
    expect(result).toMatchObject({ rows: 0, to: T + (HOURS - 1) * HOUR });
    const again = { view: 'totals', every: 'hour', from: T, again: true } as const;
    // Every row is the one that is there: none is added, none replaced.
    expect(await platform.datasets.rollup(again, caller)).toMatchObject({ rows: 0 });
    expect(await sqlRows(platform, 'SELECT * FROM totals_history')).toHaveLength(3);
  } finally {
    await platform.close();
  }
});
