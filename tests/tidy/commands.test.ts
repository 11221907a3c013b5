/** Each test file runs in exactly one of the commands that run tests. */
import { globSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { SUITES } from '../../vitest.config.ts';

const root = join(import.meta.dirname, '..', '..');
const ignored = ['**/node_modules', '.*', 'java'];
const testFiles = globSync('**/*.test.ts', { cwd: root, exclude: ignored });

const commandOf = (suite: string): string => (suite === 'test' ? 'test' : `test:${suite}`);
const matches = (file: string, globs: readonly string[]): boolean =>
  globs.some((glob) => matchesGlob(file, glob));

test('every test file is in the suite of exactly one command', () => {
  expect(testFiles.length).toBeGreaterThan(150);
  const suitesOf = (file: string): string[] =>
    Object.entries(SUITES).flatMap(([name, { include, exclude }]) =>
      matches(file, include) && !matches(file, exclude) ? [name] : [],
    );
  const astray = testFiles
    .map((file) => ({ file, suites: suitesOf(file) }))
    .filter(({ suites }) => suites.length !== 1);
  expect(astray).toEqual([]);
});

test('every suite has a command of package.json, and .ci/run runs it', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const ci = readFileSync(join(root, '.ci', 'run'), 'utf8');
  for (const suite of Object.keys(SUITES)) {
    const command = commandOf(suite);
    expect(scripts[command], command).toBe(`node scripts/run.mjs ${command}`);
    expect(ci, command).toMatch(new RegExp(`^part .*\\b${command}$`, 'm'));
  }
});
