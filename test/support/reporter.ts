import type { Reporter, TestCase, TestModule } from "vitest/node";

/**
 * Prints, after everything else, each skipped test with its reason and then the totals alone on the last line, so that
 * a person and a script can both see what this machine did not run.
 */
export default class Totals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    const skips: string[] = [];
    for (const module of modules) {
      // A file that can't be loaded holds no tests, and would otherwise not be counted at all.
      if (module.state() === "failed" && module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") counts.passed += 1;
        else if (result.state === "failed") counts.failed += 1;
        else {
          counts.skipped += 1;
          skips.push(`  ${test.fullName}: ${reasonOf(test)}`);
        }
      }
    }
    if (skips.length > 0) console.log(`\nSkipped on this machine:\n${skips.join("\n")}`);
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return (result.state === "skipped" && result.note) || "no reason given: pass one to ctx.skip()";
}
