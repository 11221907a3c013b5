/**
 * The main job, end to end, on real flights: the same commands that a person would type, each
 * printed before it is run.
 *   npm run demo 300,000 flights, then leaves the platform running
 *   npm run demo -- --all 3,000,000 flights
 *   npm run demo -- --exit stops at the end The first step that fails stops it, and is named.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '#domain/error-message.ts';
import { endOfFlights, FLIGHTS, shareKnown, writeSpine } from './spine.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'gateways', 'cli', 'main.ts');
const here = (file: string): string =>
  relative(root, fileURLToPath(new URL(file, import.meta.url)));
const options = { all: process.argv.includes('--all'), exit: process.argv.includes('--exit') };
const events = Number(process.env.MILLRACE_DEMO_EVENTS ?? (options.all ? 3_000_000 : 300_000));
const work = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
const data = join(work, 'data');

let server: ChildProcess | null = null;
let url = '';
let step = 0;
const started = Date.now();

const cleanUp = (): void => {
  if (options.exit && existsSync(work)) rmSync(work, { recursive: true, force: true });
};
const stopServer = (): Promise<void> =>
  new Promise((resolve) => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill('SIGTERM');
  });
let givingUp = false;
const giveUp = async (message: string): Promise<never> => {
  // What fails because the demo is stopping is no news.
  if (givingUp) return new Promise<never>(() => {});
  givingUp = true;
  console.error(`\nThe demo stopped at step ${step}: ${message}`);
  await stopServer();
  cleanUp();
  process.exit(1);
};
// The server has its own process group, so whatever ends the demo has to end the server.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.on(signal, () => {
    givingUp = true;
    void stopServer().then(() => {
      cleanUp();
      process.exit(code);
    });
  });
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => void giveUp(messageOf(error)));

const title = (text: string): void => console.log(`\n\x1b[1m${++step}. ${text}\x1b[0m`);
const shown = (args: readonly string[]): string =>
  args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg}'`))
    .join(' ')
    .replace(FLIGHTS, relative(root, FLIGHTS));

/** Runs `millrace …` as a person would, and gives back what it wrote to stdout. */
const millrace = (args: readonly string[], { quiet = false, lines = 0 } = {}): Promise<string> =>
  new Promise((resolve) => {
    if (!quiet) console.log(`   $ npx millrace ${shown(args)}`);
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=16', main, ...args],
      {
        cwd: root,
        env: { ...process.env, MILLRACE_URL: url },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += String(chunk);
    });
    child.on('exit', (code) => {
      const all = out.trimEnd().split('\n');
      const listed =
        lines > 0 && all.length > lines
          ? [...all.slice(0, lines), `… ${all.length - lines} more lines`]
          : all;
      if (!quiet && out.trim() !== '') console.log(listed.map((line) => `   ${line}`).join('\n'));
      if (code === 0) resolve(out);
      else void giveUp(`millrace ${shown(args)} ended with ${code}`);
    });
  });

const serve = (): Promise<string> =>
  new Promise((resolve) => {
    console.log(`   $ npx millrace serve --data ${data} --port 0`);
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--max-semi-space-size=16',
        main,
        'serve',
        '--data',
        data,
        '--port',
        '0',
      ],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
        // Its own group: Ctrl-C reaches the demo, which stops it in order.
        detached: true,
      },
    );
    server = child;
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += String(chunk);
      const found = /http:\/\/[\w.:]+/.exec(out)?.[0];
      if (found === undefined || url !== '') return;
      console.log(`   ${out.trim()}`);
      resolve(found);
    });
    child.on('exit', (code) => {
      if (url === '') void giveUp(`the server ended with ${code} before it was ready`);
    });
  });

interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

const features = async (body: unknown): Promise<Answer> => {
  const text = JSON.stringify(body);
  console.log(`   $ curl -s ${url}/v1/features -H 'content-type: application/json' -d '${text}'`);
  const response = await fetch(`${url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  });
  const answer = await response.text();
  if (!response.ok) await giveUp(`POST /v1/features answered ${response.status} ${answer}`);
  console.log(`   ${answer}`);
  return JSON.parse(answer) as Answer;
};

console.log(
  `Millrace on ${events.toLocaleString('en')} real US flights of 2001. Data directory: ${data}`,
);
const end = await endOfFlights(events);
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

title('Start the platform: one process, a fresh directory');
url = await serve();

title('Declare what a flight is, and the features over flights');
await millrace(['apply', here('./features.ts'), '--reason', 'first version']);

title(
  `Publish ${events.toLocaleString('en')} flights: each is durable and computed when it is answered`,
);
await millrace(['publish', 'flights', FLIGHTS, '--limit', String(events)]);

title(
  `Read features over HTTP. The flights are of 2001, so the read says \`at\`: the last flight left at ${iso(end)}`,
);
const request = {
  service: 'delay_model',
  entities: [{ origin: 'ATL', destination: 'LAX' }],
  request: [{ hour: 18 }],
  at: iso(end),
};
const before = await features(request);

title('The same, as of 8 January 2001: a past time is answered from the history');
await millrace([
  'get',
  'delay_model',
  '--entity',
  'origin=ATL',
  '--entity',
  'destination=LAX',
  '--request',
  'hour=18',
  '--at',
  '2001-01-08T12:00:00Z',
]);

title('Why is that value what it is? Down to the raw events, and computed again from them');
await millrace(
  [
    'explain',
    'route_delays.route_delay_avg_1d',
    '--entity',
    'origin=ATL',
    '--entity',
    'destination=LAX',
    '--at',
    '2001-01-08T12:00:00Z',
  ],
  { lines: 60 },
);

title(
  'A training set: what was true an hour before each of 10,000 departures, nothing of what came later',
);
const spine = join(work, 'spine.parquet');
await writeSpine(spine, { events, rows: 10_000 });
const [training, served] = [join(work, 'training.parquet'), join(work, 'as-served.parquet')];
await millrace(['dataset', 'delay_model', '--spine', spine, '--out', training]);
console.log(
  '   And what the platform would have answered at those times. In 2001 it had not seen one flight, so that is nothing:',
);
await millrace([
  'dataset',
  'delay_model',
  '--spine',
  spine,
  '--out',
  served,
  '--mode',
  'as-served',
]);
console.log('   Share of the rows that have a value of delay_avg_1d:');
for (const file of [training, served])
  console.log(`     ${file}: ${Math.round((await shareKnown(file, 'delay_avg_1d')) * 100)} %`);

title('A mistake: `late_share_7d` counts every minute as late. What would mending it change?');
await millrace(['plan', here('./features.fixed.ts')]);
await millrace([
  'apply',
  here('./features.fixed.ts'),
  '--reason',
  'late means more than 15 minutes',
]);

title('Compute the new version from the whole history, beside the live one; compare; promote');
await millrace([
  'replay',
  'start',
  'airport_delays',
  '--reason',
  'late means more than 15 minutes',
  '--wait',
]);
const [replay] = JSON.parse(
  `[${(await millrace(['replay', 'list', '--json'], { quiet: true })).trim().split('\n').join(',')}]`,
) as [{ id: string }];
await millrace(['replay', 'compare', replay.id], { lines: 30 });
await millrace([
  'replay',
  'promote',
  replay.id,
  '--reason',
  'compared: only late_share_7d differs',
]);
console.log(`   In step 4 ATL's late_share_7d was ${before.rows[0]?.late_share_7d}; now:`);
await features({
  features: ['airport_delays:late_share_7d'],
  entities: [{ origin: 'ATL' }],
  at: iso(end),
});

title('Who did what, and is the record whole?');
await millrace(['audit', 'log']);
await millrace(['audit', 'verify']);

console.log(`\nDone in ${Math.round((Date.now() - started) / 1000)} s.`);
if (options.exit) {
  await stopServer();
  cleanUp();
} else {
  console.log(`The platform runs at ${url} (its API: ${url}/docs). Try:
   export MILLRACE_URL=${url}
   npx millrace status
   npx millrace show airport_delays
   npx millrace get airport_delays --entity origin=JFK --at ${iso(end)}
   npx millrace lineage delay_model
Ctrl-C stops it. The training set is ${training}; all else is in ${data}`);
  await new Promise<void>((resolve) => server?.once('exit', () => resolve()));
  if (!givingUp) await giveUp('the platform ended by itself');
}
