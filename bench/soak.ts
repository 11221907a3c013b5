/**
 * A soak: `npm run bench soak [MINUTES] [PROFILE]`. Clients publish and read at a steady rate, in
 * every way there is, while views are revised and replayed, data sets are built, and every part is
 * restarted. Answers are compared with counted events. `soak/errors.ts` lists the errors that
 * clients may see. Memory, files and latency must not grow. Exits with 1 if a check fails.
 */
import { startEmbeddedRig } from './soak/embedded.ts';
import type { Rig } from './soak/rig.ts';
import { soak } from './soak/run.ts';
import { figuresOf, printMinutes } from './soak/verdict.ts';
import { print } from './support/report.ts';

const PROFILES: Readonly<Record<string, () => Promise<Rig>>> = {
  embedded: startEmbeddedRig,
  stack: async () => (await import('./soak/stack.ts')).startStackRig(),
};

const minutes = Number(process.argv[2] ?? 15);
const profile = process.argv[3] ?? 'embedded';
const start = PROFILES[profile];
if (start === undefined || !(minutes > 0)) {
  console.error(
    `Usage: npm run bench soak [MINUTES] [PROFILE]\nProfiles: ${Object.keys(PROFILES).join(', ')}`,
  );
  process.exit(2);
}

/** In minutes: a shorter soak does not show growth. */
const LEAST_TO_JUDGE = 10;
const SHOWN = 20;

/** Failures that differ only in numbers count as the same. */
const alike = (
  failures: readonly string[],
): readonly { readonly count: number; readonly first: string }[] => {
  const kinds = new Map<string, { count: number; first: string }>();
  for (const failure of failures) {
    const kind = failure.replace(/\d+(\.\d+)?/g, '#');
    const found = kinds.get(kind);
    if (found === undefined) kinds.set(kind, { count: 1, first: failure });
    else found.count++;
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
};

const rig = await start();
try {
  const { watch, samples, events } = await soak(
    rig,
    {
      seconds: minutes * 60,
      restarts: rig.pace.restarts(minutes),
      changeEveryMs: 15_000,
      datasetEveryMs: 10_000,
    },
    (line) => console.log(line),
  );
  console.log(
    `\n${events.toLocaleString('en')} events; operations: ${[...watch.operations].map(([kind, n]) => `${kind} ${n}`).join(', ')}`,
  );
  console.log(
    `expected errors during restarts: ${[...watch.promised].map(([code, n]) => `${code} ${n}`).join(', ') || 'none'}\n`,
  );
  printMinutes(watch.minutes);
  for (const { count, first } of alike(watch.failures).slice(0, SHOWN))
    console.log(`FAILED ${count} times, for example: ${first}`);
  const figures = figuresOf(watch, { minutes, samples, judgeGrowth: minutes >= LEAST_TO_JUDGE });
  print(`soak of ${minutes} minutes, profile ${profile}`, figures);
  if (figures.some(({ met }) => met === false)) process.exitCode = 1;
} finally {
  await rig.close();
}
// Everything is closed. Left to itself, Node 24 has hung here while it freed its handles.
process.exit();
