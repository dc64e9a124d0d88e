import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { writeTinyModel } from "../../../tinyModel.ts";

const root = join(import.meta.dirname, "../../../..");
const skipped = skipWithoutTorch("Commands on PyTorch");

describe.skipIf(skipped)("a command on PyTorch", () => {
  it("ends when it has said what it was asked, or what is wrong", async () => {
    const model = await writeTinyModel(join(tempFolder(), "model"));
    const command = (...rest: string[]) =>
      execa(
        process.execPath,
        [join(root, "dist/cli.js"), "generate", model, "--backend", "torch", "--device", "cpu", ...rest],
        {
          reject: false,
          cwd: root,
          timeout: 90_000,
          env: { DISCERN_PYTHON: testPython!, OMP_NUM_THREADS: "1" },
        },
      );
    const answered = await command("--prompt", "Hello", "--max-new-tokens", "3", "--json");
    expect([answered.exitCode, answered.timedOut, answered.stderr]).toEqual([0, false, expect.any(String)]);
    expect(JSON.parse(answered.stdout)).toMatchObject([{ prompt: "Hello" }]);
    // A fault that is found once the worker has a model.
    const refused = await command("--prompt", "Hello", "--steering", join(tempFolder(), "none"));
    expect([refused.exitCode, refused.timedOut]).toEqual([1, false]);
  }, 200_000);
});
