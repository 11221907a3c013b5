/** The rules for the files of the repository, checked by reading them. */
import { expect, test } from 'vitest';
import { code, files, found, isTest, read } from './files.ts';

test('domain uses no clock, no randomness and no process', () => {
  const domain = code.filter((file) => file.startsWith('domain/') && !isTest(file));
  expect(
    found(
      domain,
      /Date\.now\(|new Date\(\)|Math\.random\(|randomUUID|\bprocess\.|performance\.|set(Timeout|Interval)\(|\bfetch\(/,
    ),
  ).toEqual([]);
});

test('domain imports no other folder', () => {
  const domain = code.filter((file) => file.startsWith('domain/') && !isTest(file));
  expect(
    found(
      domain,
      /from '(#(application|client|commands|projections|gateways|infra|tests)\/|node:)/,
    ),
  ).toEqual([]);
});

test('only profiles wire infra to the application', () => {
  const infra = code.filter(
    (file) => file.startsWith('infra/') && !file.startsWith('infra/profiles/') && !isTest(file),
  );
  expect(found(infra, /from '#(application|commands|gateways)\//)).toEqual([]);
  const gateways = code.filter((file) => file.startsWith('gateways/') && !isTest(file));
  expect([
    ...new Set(
      found(gateways, /['"]#(application|infra\/(?!shared\/files\/))/).map(
        (line) => line.split(':')[0],
      ),
    ),
  ]).toEqual([
    // reads and writes data directories and servers, whatever a gateway does
    'gateways/cli/commands/backup.ts',
    // rewrites what a running platform has open
    'gateways/cli/commands/erase.ts',
    'gateways/cli/commands/serve.ts',
    'gateways/cli/commands/stack.ts',
    'gateways/cli/commands/verify.ts',
    // the servers of `serve`, `backup` and `restore`
    'gateways/cli/stack-options.ts',
  ]);
});

test('application imports domain, commands and projections; those do not import it', () => {
  const application = code.filter((file) => file.startsWith('application/') && !isTest(file));
  expect(found(application, /from '#(gateways|infra|tests)\//)).toEqual([]);
  const below = code.filter((file) => /^(commands|projections)\//.test(file) && !isTest(file));
  expect(found(below, /from '#(application|gateways|infra|tests)\//)).toEqual([]);
});

test('the client imports the domain and what it shares with gRPC; the package exports two folders', () => {
  const client = code.filter((file) => file.startsWith('client/') && !isTest(file));
  expect(client.length).toBeGreaterThan(3);
  expect(found(client, /['"]#(?!domain\/|gateways\/grpc\/)/)).toEqual([]);
  const lib = files.filter((file) => file.startsWith('lib/'));
  expect(lib.length).toBeGreaterThan(2);
  expect(found(lib, /['"]#(?!domain\/definitions\/|client\/)/)).toEqual([]);
});

/** Longer files, each with the reason. */
const LONG: Readonly<Record<string, string>> = {
  'domain/error-codes.ts': 'one table: every error, in one place',
};

test('no file has more than 300 lines, but for those with a reason', () => {
  const long = code
    .filter((file) => !isTest(file) && !(file in LONG))
    .map((file) => ({ file, lines: read(file).split('\n').length }))
    .filter(({ lines }) => lines > 300);
  expect(long).toEqual([]);
  const noLongerLong = Object.keys(LONG).filter(
    (file) => !code.includes(file) || read(file).split('\n').length <= 300,
  );
  expect(noLongerLong).toEqual([]);
});

const self = 'tests/tidy/tidy.test.ts';

test('no type is `any`', () => {
  const typed = code.filter((file) => file.endsWith('.ts') && !isTest(file));
  expect(found(typed, /(:|\bas|=>|[<,|&]) ?any\b *([;,)=>|&[\]{]|$)/)).toEqual([]);
});

test('only one module names the file readers of DuckDB', () => {
  const product = code.filter(
    (file) => !isTest(file) && file !== 'domain/sql/duckdb/parquet-files.ts',
  );
  expect(
    found(
      product,
      /\b(read_(csv|parquet|json|ndjson|text|blob)\w*|sniff_csv|parquet_(scan|schema|metadata|file_metadata))\b|\bFROM '\$/,
    ),
  ).toEqual([]);
});

test('a test that may be skipped gives the reason', () => {
  const unexplained = code
    .filter((file) => file !== self)
    .flatMap((file) => {
      const lines = read(file).split('\n');
      return lines.flatMap((line, i) => {
        const skips = /\b(test|it|describe)\.(skip|skipIf|runIf)\(/.test(line);
        const explained =
          /\/\/|\*\//.test(lines[i - 1] ?? '') ||
          lines.slice(Math.max(0, i - 3), i).some((l) => /console\.\w+\(/.test(l));
        return skips && !explained ? [`${file}:${i + 1}`] : [];
      });
    });
  expect(unexplained).toEqual([]);
});

test('no silenced type error, no lone test, no unfinished work', () => {
  const rest = code.filter((file) => file !== self);
  expect(found(rest, /@ts-ignore|\.(only|todo)\(|\bTODO\b|\bFIXME\b/)).toEqual([]);
});

test('no host of a registry and no path of a machine is in the files', () => {
  const text = files.filter((file) => file !== self && !/\.(parquet|png)$/.test(file));
  expect(
    found(text, /registry\.npmjs|repo1?\.maven|pypi\.org|\/root\/|\/work\/|\/home\/\w/),
  ).toEqual([]);
  expect(found(['package-lock.json'], /"resolved":/)).toEqual([]);
});
