/**
 * The Java module's own tests: its functions are compared with the shared vectors and run in a real
 * planner, and the lookup server is compared with a scan.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '#infra/stack/fetch.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

test('every JUnit test passes', { timeout: 1_200_000 }, async () => {
  // A copy, because the servers run from the module's own folder.
  const home = mkdtempSync(join(tmpdir(), 'millrace-java-'));
  try {
    cpSync(join(repository, 'java'), join(home, 'java'), {
      recursive: true,
      filter: (path) => !path.startsWith(join(repository, 'java', 'target')),
    });
    cpSync(join(repository, 'tests', 'vectors'), join(home, 'tests', 'vectors'), {
      recursive: true,
    });
    await run('mvn', ['-B', '-q', 'test'], join(home, 'java'));
    const reports = join(home, 'java', 'target', 'surefire-reports');
    const counts = readdirSync(reports)
      .filter((file) => file.endsWith('.txt'))
      .map((file) =>
        /Tests run: (\d+), Failures: (\d+), Errors: (\d+)/.exec(
          readFileSync(join(reports, file), 'utf8'),
        ),
      )
      .map((found) => (found ?? []).slice(1).map(Number));
    console.log(`JUnit: ${counts.reduce((sum, [ran = 0]) => sum + ran, 0)} tests`);
    expect(counts.length).toBeGreaterThanOrEqual(5);
    for (const [ran, failures, errors] of counts) {
      expect(ran).toBeGreaterThan(0);
      expect([failures, errors]).toEqual([0, 0]);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
