import { benchmark } from "./pageStates/benchmark.ts";
import { dashboard } from "./pageStates/dashboard.ts";
import { laboratory } from "./pageStates/laboratory.ts";
import type { LookedAt } from "./pageStates/lookedAt.ts";
import { playground } from "./pageStates/playground.ts";
import { labelling, table } from "./pageStates/promptPages.ts";
import { report } from "./pageStates/report.ts";

/** Every page, with its states. */
export const pages: readonly LookedAt[] = [
  ...[labelling, table, dashboard, report, benchmark, laboratory, playground],
];
