/**
 * Erases an entity and kills its own process after a step, or where the text of its progress is
 * said: node erase-until-killed.ts DIR STEP [PERSON] [NOW]
 */
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { ERASED } from './visits.ts';

const [dataDirectory, step, person = ERASED, time] = process.argv.slice(2) as [
  string,
  string,
  string?,
  string?,
];

const killAt = (done: string): void => {
  if (done === step) process.kill(process.pid, 'SIGKILL');
};

await eraseEmbedded({
  dataDirectory,
  entity: { person },
  reason: 'killed',
  ...(time === undefined ? {} : { now: () => Number(time) }),
  onStep: killAt,
  // Other texts of the progress are names of steps that begin.
  onProgress: (what) => {
    if (what.startsWith('values of others')) killAt(what);
  },
});
