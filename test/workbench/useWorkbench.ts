import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, inject, it } from "vitest";
import type { EditorSettings } from "./editorSettings.ts";
import { openWorkbench, type Workbench, type WorkbenchOptions } from "./workbench.ts";

/**
 * Tests in a real VS Code. Where there can be none, they are skipped, or fail with `DISCERN_REQUIRE_WORKBENCH`; what
 * is missing was said before.
 */
export const describeWorkbench = Object.assign(
  (name: string, tests: () => void): void => {
    const missing = inject("missingForWorkbench");
    if (missing !== null && process.env.DISCERN_REQUIRE_WORKBENCH) {
      it(name, () => {
        throw new Error(missing);
      });
    } else describe.skipIf(missing !== null)(name, tests);
  },
  {
    /** As above, unless `skip`: for what takes so long that it is asked for. */
    skipIf: (skip: boolean) => (skip ? describe.skip : describeWorkbench),
  },
);

/**
 * One workbench for all tests of the `describe` this is called in, on a new folder that `fill` puts files into. A test that
 * fails leaves a screenshot with its name.
 */
export function useWorkbench(options: {
  fill: (folder: string) => Promise<void>;
  /** Name of the folder, where it is seen. */
  name?: string;
  trust?: WorkbenchOptions["trust"];
  settings?: EditorSettings;
  keybindings?: WorkbenchOptions["keybindings"];
}): { (): Workbench; folder(): string } {
  const { fill, name = "", ...rest } = options;
  let parent: string;
  let folder: string;
  let workbench: Workbench | undefined;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), "discern-workspace-"));
    folder = join(parent, name);
    await mkdir(folder, { recursive: true });
    await fill(folder);
    workbench = await openWorkbench({ folder, ...rest });
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await workbench?.screenshot(`failed ${task.name}`.replace(/\W+/g, "-"));
  });
  afterAll(async () => {
    await workbench?.close();
    await rm(parent, { recursive: true, force: true });
  });
  return Object.assign(() => workbench!, { folder: () => folder });
}
