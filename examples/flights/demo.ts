/**
 * Millrace from end to end on real flights. Each command is printed, then run as a user would run
 * it.
 *
 *   npm run demo             300,000 flights; the platform keeps running at the end
 *   npm run demo -- --all    3,000,000 flights
 *   npm run demo -- --exit   the platform stops at the end
 *
 * The demo stops at the first step that fails, and names the step.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '#domain/error-message.ts';
import { endOfFlights, FLIGHTS, shareFilled, writeSpine } from './spine.ts';

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
  // Errors that follow from stopping the demo are not reported.
  if (givingUp) return new Promise<never>(() => {});
  givingUp = true;
  console.error(`\nThe demo stopped at step ${step}: ${message}`);
  await stopServer();
  cleanUp();
  process.exit(1);
};
// The server is in a process group of its own, so the demo must stop it however the demo ends.
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

/** Runs `millrace …` as a user would. Resolves to what it wrote to stdout. */
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
      else void giveUp(`millrace ${shown(args)} exited with status ${code}`);
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
        // In a group of its own, so that Ctrl-C reaches only the demo, which stops the server in
        // order.
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
      if (url === '') void giveUp(`the server exited with status ${code} before it was ready`);
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
  `Millrace on ${events.toLocaleString('en')} real flights in the US in 2001. Data directory: ${data}`,
);
const end = await endOfFlights(events);
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

title('Start the platform: one process and an empty data directory');
url = await serve();

title('Define the source of flights and the features that are computed from it');
await millrace(['apply', here('./features.ts'), '--reason', 'first version']);

title(
  `Publish ${events.toLocaleString('en')} flights. When a batch is acknowledged, it is durable and its features are computed`,
);
await millrace(['publish', 'flights', FLIGHTS, '--limit', String(events)]);

title(`Read features over HTTP as of the last flight, ${iso(end)}`);
const request = {
  service: 'delay_model',
  entities: [{ origin: 'ATL', destination: 'LAX' }],
  request: [{ hour: 18 }],
  at: iso(end),
};
const before = await features(request);

title('Read the same features as of 8 January 2001: past values are computed from raw events');
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

title('Explain a value: the raw events behind it, and the value computed again from them');
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
  'Build a training set: feature values one hour before each of 10,000 departures, with no later events',
);
const spine = join(work, 'spine.parquet');
await writeSpine(spine, { events, rows: 10_000 });
const [training, served] = [join(work, 'training.parquet'), join(work, 'as-served.parquet')];
await millrace(['dataset', 'delay_model', '--spine', spine, '--out', training]);
console.log(
  '   The same rows as the platform would have served them at those times. It had no flights in 2001, so the values are empty:',
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
console.log('   Rows with a value of delay_avg_1d:');
for (const file of [training, served])
  console.log(`     ${file}: ${Math.round((await shareFilled(file, 'delay_avg_1d')) * 100)} %`);

title('Find a mistake: `late_share_7d` counts a delay of one minute as late. Plan the correction');
await millrace(['plan', here('./features.fixed.ts')]);
await millrace([
  'apply',
  here('./features.fixed.ts'),
  '--reason',
  'late means more than 15 minutes',
]);

title('Compute the new version over all past events beside the live one, compare them, promote it');
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
console.log(`   late_share_7d of ATL was ${before.rows[0]?.late_share_7d} in step 4. It is now:`);
await features({
  features: ['airport_delays:late_share_7d'],
  entities: [{ origin: 'ATL' }],
  at: iso(end),
});

title('Show who changed what, and verify that the audit log is complete');
await millrace(['audit', 'log']);
await millrace(['audit', 'verify']);

console.log(`\nDone in ${Math.round((Date.now() - started) / 1000)} s.`);
if (options.exit) {
  await stopServer();
  cleanUp();
} else {
  console.log(`The platform is running at ${url}. Its API is documented at ${url}/docs. Try:
   export MILLRACE_URL=${url}
   npx millrace status
   npx millrace show airport_delays
   npx millrace get airport_delays --entity origin=JFK --at ${iso(end)}
   npx millrace lineage delay_model
Press Ctrl-C to stop it. Training set: ${training}. Data directory: ${data}`);
  await new Promise<void>((resolve) => server?.once('exit', () => resolve()));
  if (!givingUp) await giveUp('the platform stopped unexpectedly');
}
