import { describe, expect, it } from "vitest";
import type { Backend, MeasureOptions } from "../../../../src/engine/backend/backend.ts";
import type { Intervention } from "../../../../src/engine/backend/interventions.ts";
import { openBackend } from "../../../../src/engine/backend/open.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { choosePython } from "../../../../src/engine/python/find.ts";
import { torchSchema } from "../../../../src/protocol/backend.ts";
import { goldenPath } from "../../../golden/golden.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { skipWhen } from "../../../skip.ts";

const skipped =
  skipWithoutTorch("Compiled blocks on PyTorch") ||
  skipWhen(
    !(await choosePython({ named: testPython! }, "unused")).facts.compiler,
    "Compiled blocks on PyTorch: there is no C++ compiler.",
  );

const examples = [0, 1, 2].map((i) => {
  const prompt = [3, 4, 5 + i, ...Array.from({ length: 2 * i }, (_, t) => 20 + t)];
  return { ids: [...prompt, 100 + i, 70, 1], promptLength: prompt.length };
});
const interventions: Intervention[] = [
  {
    site: { at: "mlp-output", layers: [1] },
    positions: "all",
    action: { type: "add", vector: new Float32Array(48).fill(0.5) },
  },
];

async function losses(compile: boolean, options: readonly MeasureOptions[]): Promise<number[][]> {
  const torch = torchSchema.parse({ compile, python: testPython! });
  const loaded = await loadModel(goldenPath("tiny", "llama"));
  const { backend }: { backend: Backend } = await openBackend(
    { backend: "torch", device: "cpu", threads: 1, torch },
    loaded,
  );
  try {
    expect(backend.about.compiled ?? false).toBe(compile);
    const found: number[][] = [];
    for (const each of options) {
      found.push((await backend.losses(examples, each)).map(({ loss }) => loss));
    }
    return found;
  } finally {
    await backend.dispose();
  }
}

describe.skipIf(skipped)("blocks that torch.compile has compiled", () => {
  it("compute the same, and interventions act on them", { timeout: 600_000 }, async () => {
    // Compiled before something acts: what was compiled knows no hooks.
    const [plain, acted, again] = await losses(true, [{}, { interventions }, {}]);
    const expected = await losses(false, [{}, { interventions }]);
    const rounded = (values: readonly number[]) => values.map((x) => x.toFixed(3));
    expect(rounded(plain!)).toEqual(rounded(expected[0]!));
    expect(rounded(acted!)).toEqual(rounded(expected[1]!));
    expect(again).toEqual(plain);
    expect(rounded(acted!)).not.toEqual(rounded(plain!));
  });
});
