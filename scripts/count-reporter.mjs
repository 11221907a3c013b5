/**
 * Ends a test run with the line `N passed, N failed`, which scripts read. The number of skipped
 * tests is on the line before.
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
      // A file that does not load, or whose hooks fail, has no failed test of its own.
      if (module.state() === 'failed' && !states.includes('failed')) counts.failed++;
    }
    counts.failed += errors.length;
    const skipped = counts.skipped > 0 ? `\n${counts.skipped} skipped` : '';
    process.on('exit', () =>
      console.log(`${skipped}\n${counts.passed} passed, ${counts.failed} failed`),
    );
  }
}
