/** Erases an entity and kills its own process after a step: node erase-until-killed.ts DIR STEP */
import { eraseEmbedded } from '#infra/profiles/embedded-erase.ts';
import { ERASED } from './visits.ts';

const [dataDirectory, step] = process.argv.slice(2) as [string, string];

await eraseEmbedded({
  dataDirectory,
  entity: { person: ERASED },
  reason: 'killed',
  onStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
