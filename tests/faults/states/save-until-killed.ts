/**
 * Child process of the test: computes events and saves the state again and again, until it is
 * killed. It first writes how far it will compute: the events up to there count as durable.
 */
import { fsyncSync, openSync, writeSync } from 'node:fs';
import { openWorld, VIEW } from './world.ts';

const [directory = '', progress = '', from = '0'] = process.argv.slice(2);
const EVENTS_OF_TURN = 20;
/** A save has fewer: one for each part, and the last look. */
const TURNS = 100;

const world = await openWorld(directory, Number(from), (message) => {
  process.stderr.write(`${message}\n`);
});
const { store, loadPending } = world.tiles;
let computed = Number(from);
const file = openSync(progress, 'w');
const announce = (events: number): void => {
  writeSync(file, `${events}`.padEnd(20), 0);
  fsyncSync(file);
};
const turn = (): boolean => {
  computed += EVENTS_OF_TURN;
  world.computeTo(computed);
  return true;
};
process.stdout.write('started\n');
for (;;) {
  announce(computed + TURNS * EVENTS_OF_TURN);
  const nextOffset = world.end();
  await loadPending(() => true);
  await world.snapshots.save(VIEW, 1, { store, nextOffset, isCurrent: turn });
}
