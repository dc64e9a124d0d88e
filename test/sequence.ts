import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files and folders that take longest, longest first: begun at the end, one of them would leave the other worker without work. */
const long = [
  "test/engine/backend/onnx/runtime/webgpu",
  "test/engine/backend/onnx.test.ts",
  "test/engine/backend/torch",
  "test/engine/server.test.ts",
  "test/engine/benchmarkProcess.test.ts",
  "test/engine/comparisonProcess.test.ts",
  "test/engine/run",
  "test/golden",
  "test/engine/steer",
  "test/engine/probe",
];

/** Begins what takes longest first, and leaves the rest in Vitest's order. A new clone has no times of an earlier run to go by. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => this.rank(a) - this.rank(b));
  }

  private rank({ project, moduleId }: TestSpecification): number {
    const path = relative(this.ctx.config.root, moduleId).replaceAll("\\", "/");
    const place = long.findIndex((each) => path === each || path.startsWith(`${each}/`));
    const group = project.config.sequence.groupOrder * (long.length + 1);
    return group + (place < 0 ? long.length : place);
  }
}
