/**
 * Erases a person from a stack, and kills its own process after a step, or where the progress has
 * the text: node erase-until-killed.ts DIR BASE_PORT PERSON STEP
 */
import { eraseStack } from '#infra/profiles/stack-erase.ts';

const [directory, basePort, person, step] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
];

const killAt = (done: string): void => {
  if (done === step) process.kill(process.pid, 'SIGKILL');
};

await eraseStack({
  directory,
  basePort: Number(basePort),
  entity: { person },
  reason: 'request 78',
  onStep: killAt,
  onProgress: killAt,
});
