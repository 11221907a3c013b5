/**
 * Closes a test run with one plain line that scripts can read, `N passed, N failed`; skipped tests
 * are named on the line before.
 */
export default class CountReporter {
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      for (const state of states) {
        if (state === 'passed' || state === 'failed') counts[state]++;
        else counts.skipped++;
      }
      // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
      if (module.state() === 'failed' && !states.includes('failed')) counts.failed++;
    }
    counts.failed += errors.length;
    const skipped = counts.skipped > 0 ? `\n${counts.skipped} skipped` : '';
    process.on('exit', () =>
      console.log(`${skipped}\n${counts.passed} passed, ${counts.failed} failed`),
    );
  }
}
