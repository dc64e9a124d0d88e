import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { recipeJsonSchema } from "../../src/protocol/recipe.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";
import { exampleReport } from "./evaluate/fixture.ts";

const root = join(import.meta.dirname, "../..");
const discern = (...args: string[]) =>
  execa(process.execPath, [join(root, "dist/cli.js"), ...args], { reject: false, cwd: root });

beforeAll(async () => {
  await execa(process.execPath, [join(root, "scripts/build.ts")]);
});

describe("the built command line", () => {
  test("shows help", async () => {
    const { stdout, stderr, exitCode } = await discern("--help");
    expect([stderr, exitCode]).toEqual(["", 0]);
    expect(stdout).toMatch(/run .*\n.*\n? *.*watch/s);
  });

  const harmJudges = ["one", "two"].map((id) =>
    JSON.stringify({ type: "guard", family: "llama-guard", model: "no-guard", id }),
  );

  test("doctor --json is one document, with nothing on stderr", async () => {
    const { stdout, stderr } = await discern("doctor", "--json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      devices: [{ name: "cpu", starts: true, blockMilliseconds: expect.any(Number) }, { name: "webgpu" }],
      auto: {
        device: expect.stringMatching(/^(cpu|webgpu)$/),
        reason: expect.any(String),
        model: "SmolLM2-135M",
      },
    });
  });

  test("pull without a name lists models with what fits, and models does where there are none", async () => {
    const { stdout } = await discern("pull");
    expect(stdout).toMatch(/^NAME +PARAMETERS +DOWNLOAD +SCORING +LORA TRAINING +LICENCE/);
    expect(stdout).toMatch(/^llama-3\.2-1b +1\.2 B +2\.5 GB .*Llama 3\.2 Community, gated +meta-llama\//m);
    const nothing = { DISCERN_MODELS: tempFolder(), HF_HOME: tempFolder() };
    const listed = await execa(process.execPath, [join(root, "dist/cli.js"), "models"], { env: nothing });
    expect(listed.stdout).toMatch(/^No models in .*\nNAME +PARAMETERS/);
  });

  test("the schema it ships is the recipe's", async () => {
    const shipped: unknown = JSON.parse(await readFile(join(root, "dist/recipe.schema.json"), "utf8"));
    expect(shipped).toEqual(recipeJsonSchema());
  });

  test.each([
    [["frobnicate"], 2, /unknown command/],
    [["run"], 2, /give a recipe/],
    [["score"], 2, /missing required argument/],
    [["run", "no-such.json"], 1, /no-such\.json cannot be read/],
    [["run", "preset:default"], 1, /model: Missing/],
    [["watch", "no-such-run"], 1, /not a run folder/],
    [["compare", "run", "--fail-if", "safe_refusal"], 2, /is not a condition/],
    [["benchmark", "preset:small", "--seeds", "1,1"], 2, /different whole numbers/],
    [["benchmark", "--resume", "--out", "there", "--seeds", "1"], 2, /--seeds needs the benchmark file/],
    [
      ["run", "preset:demo", "--set", "model=none", "--fail-if", "attack_success > 0"],
      2,
      /"attack_success > 0": No judge is asked about harm/,
    ],
    [
      ["evaluate", "no-model", "advbench", "--judge", ...harmJudges, "--fail-if", "attack_success > 0"],
      2,
      /Several judges read .* Write: attack_success@one > 0, or attack_success@two > 0\./,
    ],
    [["run", "preset:default", "--detach", "--fail-if", "discernment < 1"], 2, /--detach does not wait/],
  ])("%j ends with %i and says why", async (args, code, message) => {
    const { exitCode, stderr } = await discern(...args);
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(message);
  });

  test("conditions that a report meets end with 3, and are written for people and machines", async () => {
    const folder = tempFolder();
    const [report, junit, summary] = ["report.json", "gates.xml", "summary.md"].map((name) =>
      join(folder, name),
    );
    await writeFile(report!, JSON.stringify(exampleReport({ seeds: 1 })));
    const files = ["--junit", junit!, "--summary", summary!];
    const passed = await discern("compare", report!, "--fail-if", "discernment < 0.5", ...files);
    expect([passed.exitCode, passed.stderr]).toEqual([
      0,
      expect.stringMatching(/^passed: discernment < 0.5\./m),
    ]);
    expect(await readFile(junit!, "utf8")).toMatch(/tests="1" failures="0" errors="0"/);
    const conditions = ["--fail-if", "discernment > 0.5", "--fail-if", "no-such.safe_refusal > 1"];
    const failed = await discern("compare", report!, "--json", ...conditions, ...files);
    expect(failed.exitCode).toBe(3);
    expect(JSON.parse(failed.stdout)).toMatchObject({ format: 2 });
    expect(await readFile(junit!, "utf8")).toMatch(/tests="2" failures="1" errors="1"/);
    expect((await readFile(summary!, "utf8")).match(/^### /gm)).toHaveLength(2);
  });

  describe("conditions without a report over all runs", () => {
    let cwd: string;
    const run = (...args: string[]) =>
      execa(process.execPath, [join(root, "dist/cli.js"), "benchmark", "b.benchmark.json", ...args], {
        reject: false,
        cwd,
      });
    beforeEach(async () => {
      cwd = tempFolder();
      await writeTinyModel(join(cwd, "model"));
      const recipe = {
        ...{ name: "r", model: "model", device: "cpu", threads: 1, maxTokens: 500, data: tinyData },
        stages: [{ type: "supervised", steps: 1, batchSize: 2 }],
        evaluate: { maxNewTokens: 2 },
      };
      await writeFile(join(cwd, "r.discern.json"), JSON.stringify(recipe));
      const source = { file: "starter:pairs.csv", split: "test", limit: 8 };
      // Random weights refuse none of the prompts, so that no direction can be fitted.
      const steering = { type: "refusal-ablation", train: 4, validation: 4, refusalTokens: ["I"] };
      const file = {
        ...{ name: "b", recipe: "r.discern.json", seeds: [1], suites: [{ name: "t", source }] },
        methods: [
          { name: "untrained", stages: [] },
          { name: "STL", stages: ["supervised"] },
          { name: "ablation", on: "STL", steering },
        ],
        gates: ["discernment < 0"],
      };
      await writeFile(join(cwd, "b.benchmark.json"), JSON.stringify(file));
    });

    test("are errors where a run failed, for machines too", async () => {
      const { exitCode, stderr } = await run("--junit", "gates.xml", "--fail-if", "safe_refusal > 1");
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^error: discernment < 0\. .*since these failed: ablation-1\./m);
      expect(await readFile(join(cwd, "gates.xml"), "utf8")).toMatch(/tests="2" failures="0" errors="2"/);
    });

    test("are errors where the command gave them and runs are missing; those of the file wait, and it says so", async () => {
      const alone = await run("--only", "untrained-0");
      expect([alone.exitCode, alone.stderr]).toEqual([
        0,
        expect.stringMatching(/^The gates of the file are checked once all runs have finished: discern/m),
      ]);
      const asked = await run("--resume", "--only", "untrained-0", "--fail-if", "safe_refusal > 1");
      expect(asked.exitCode).toBe(3);
      expect(asked.stderr).toMatch(/^error: safe_refusal > 1\. There is no report yet/m);
    });
  });

  test("run names every prompt file that is missing, with its source, before it makes anything", async () => {
    const cwd = tempFolder();
    const args = ["run", "preset:paper", "--set", "model=no-such-model"];
    const { exitCode, stderr } = await execa(process.execPath, [join(root, "dist/cli.js"), ...args], {
      reject: false,
      cwd,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/data\.contrast\[0\]\.file: .*xstest.*`discern suites fetch xstest`/);
    expect(stderr).toMatch(
      /\ndata\.contrast\[1\]\.file: .*safety_only_data_instructions\.json.*`discern suites fetch stl-safety`/,
    );
    expect(await readdir(cwd)).toEqual([]);
  });

  test("with --json a failure is a document too", async () => {
    const { stdout } = await discern("inspect", "no-such-model", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "model-missing" } });
  });
});
