/**
 * The promise: after an erasure nothing has a byte of the entity, and all that is known about the
 * others is answered as before: now, in the past, by data sets, replays and exports.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { verifyErasure } from '#infra/profiles/embedded-erase-verify.ts';
import { verifyEmbedded } from '#infra/profiles/embedded-verify.ts';
import { caller, replayFilled } from '#tests/support/platform.ts';
import {
  advance,
  answers,
  disposeRunning,
  entity,
  filled,
  now,
  parts,
  publish,
  stop,
  TOPICS,
} from './erased-platform.ts';
import { ERASED, FEATURES, visit, visitsBetween } from './visits.ts';

afterEach(disposeRunning);

for (const trim of [false, true])
  test(`nothing of the entity remains, and the others are as before${trim ? ', with a trimmed log' : ''}`, async () => {
    const on = await filled(trim);
    const times = [visit(300).at, visit(650).at, visit(880).at];
    const before = await answers(on, times);
    expect((await verifyErasure({ dataDirectory: on.directory, entity })).traces).not.toEqual([]);
    await stop(on);

    const options = { dataDirectory: on.directory, entity, reason: 'request 77', now };
    const certificate = await eraseEmbedded(options);
    expect(JSON.stringify(certificate)).not.toContain(ERASED);
    expect(certificate.contained.answers).toHaveLength(1);
    expect(certificate.contained.dataSets).toHaveLength(1);
    expect(certificate.removed.records).toMatchObject({
      'raw.visits': visitsBetween(0, 901).filter(({ who }) => who === ERASED).length,
      'raw.letters': 1,
      'rejected.visits': 1,
      'served.offers': 1,
    });
    expect(await verifyErasure({ dataDirectory: on.directory, entity })).toMatchObject({
      bytesSearched: true,
      traces: [],
    });
    const { damage } = await verifyEmbedded({ dataDirectory: on.directory, deep: true });
    expect(damage).toEqual([]);
    const again = await eraseEmbedded(options);
    expect(again.removed).toEqual({ ...certificate.removed, history: {}, states: {} });
    expect(again.contained).toEqual(certificate.contained);

    await on.restart();
    expect(await answers(on, times)).toEqual(before);
    const gone = { features: FEATURES, entities: [entity] };
    for (const moment of [{}, { at: times[0] }, { at: times[2], known: times[2] }])
      expect((await on.platform.serving.read({ ...gone, ...moment } as never)).status).toEqual([
        ['not-found', 'not-found', 'not-found'],
      ]);

    if (trim) {
      advance(120_000);
      for (const topic of TOPICS) await parts().history.sync(topic);
      await parts().retention.trim();
      advance(120_000);
      expect(await parts().retention.trim()).toBeGreaterThan(0);
      expect((await answers(on, times)).reads.slice(1)).toEqual(before.reads.slice(1));
    }
    const { id } = await on.platform.replays.start({ view: 'spending' }, caller);
    expect(await replayFilled(on.platform, id)).toMatchObject({ state: 'ready' });
    await on.platform.replays.change(id, 'promote', {}, caller);
    expect((await on.platform.serving.read(gone)).status).toEqual([
      ['not-found', 'not-found', 'not-found'],
    ]);
    await publish(on.platform, 901, 906);
    for (const topic of TOPICS) await parts().history.sync(topic);
    await stop(on);
    expect((await verifyEmbedded({ dataDirectory: on.directory, deep: true })).damage).toEqual([]);
  });

test('an erasure that is killed after any step is finished by the next one', async () => {
  const on = await filled(true);
  const times = [visit(650).at, visit(880).at];
  const before = await answers(on, times);
  await stop(on);
  const child = join(import.meta.dirname, 'erase-until-killed.ts');
  for (const step of ['found', 'log', 'history', 'states', 'end']) {
    const killed = spawn(process.execPath, [child, on.directory, step], { stdio: 'inherit' });
    const [, signal] = await once(killed, 'close');
    expect(signal).toBe('SIGKILL');
  }
  const certificate = await eraseEmbedded({
    dataDirectory: on.directory,
    entity,
    reason: 'request 77',
    now,
  });
  expect(certificate.contained).toMatchObject({ answers: [{ service: 'offers' }] });
  expect(certificate.contained.dataSets).toHaveLength(1);
  expect(certificate.removed.records['raw.visits']).toBe(
    visitsBetween(0, 901).filter(({ who }) => who === ERASED).length,
  );
  expect((await verifyErasure({ dataDirectory: on.directory, entity })).traces).toEqual([]);
  expect((await verifyEmbedded({ dataDirectory: on.directory, deep: true })).damage).toEqual([]);
  await on.restart();
  expect(await answers(on, times)).toEqual(before);
});
