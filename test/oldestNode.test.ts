import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../src/extension/engine/process.ts";
import { oldestNode } from "../src/protocol/nodeVersion.ts";
import type { RecipeInput } from "../src/protocol/recipe.ts";
import { timeline } from "../src/protocol/timeline.ts";
import { readEvents } from "../src/runFolder/eventLog.ts";
import { skipWhen } from "./skip.ts";
import { tempFolder } from "./tempFolder.ts";
import { tinyData, writeTinyModel } from "./tinyModel.ts";

const root = join(import.meta.dirname, "..");
const cli = join(root, "dist/cli.js");
/** The Node.js inside the oldest VS Code of `engines.vscode`; CONTRIBUTING.md says how the two belong together. */
const version = "22.15.1";
const node = await installed();
const absent = skipWhen(
  node === null,
  `tests on Node.js ${version}, the one in the oldest VS Code: it could not be installed from npm for this platform.`,
);

/** The program, installed by npm into `.cache` the first time; null where that fails. */
async function installed(): Promise<string | null> {
  const { platform, arch } = process;
  const name = `node-${platform === "win32" ? "win" : platform}-${arch}`;
  const folder = join(root, ".cache", `node-${version}`);
  const program = join(folder, "node_modules", name, "bin", platform === "win32" ? "node.exe" : "node");
  if (!existsSync(program)) {
    const install = ["install", "--prefix", folder, "--no-audit", "--no-fund", `${name}@${version}`];
    await execa("npm", install, { reject: false, stdin: "ignore" });
  }
  return existsSync(program) ? program : null;
}

test("package.json, types, bundles and the check of the engine's Node.js name one version", () => {
  const { engines, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const minor = oldestNode.join(".");
  expect(engines.vscode).toBe(`^${devDependencies["@types/vscode"]}`);
  expect(engines.node).toBe(`>=${minor}`);
  expect(devDependencies["@types/node"]).toMatch(new RegExp(`^${minor}\\.\\d+$`));
  expect(version).toMatch(new RegExp(`^${minor}\\.\\d+$`));
  const build = readFileSync(join(root, "scripts/build.ts"), "utf8");
  expect(build.match(/node\d+(\.\d+)?(?=")/g)).toEqual([`node${minor}`]);
  const words = readFileSync(join(root, "src/extension/engine/words.ts"), "utf8");
  expect(words).toContain(`needs Node.js ${minor} or newer`);
  expect(engines.vscode).toBe("^1.101.0");
});

describe.skipIf(absent)(`on Node.js ${version}`, () => {
  beforeAll(async () => {
    await execa(process.execPath, [join(root, "scripts/build.ts")]);
  });

  test("the workbench's engine starts and answers", async () => {
    const model = await writeTinyModel(join(tempFolder(), "model"));
    const engine = await startEngine({
      node: node!,
      cli,
      parent: process.pid,
      patience: 60_000,
      onLine: () => undefined,
    });
    try {
      expect(await engine.call("doctor", {})).toMatchObject({ versions: { node: version } });
      expect(await engine.call("inspect", { model, root: tempFolder() })).toMatchObject({ path: model });
    } finally {
      await engine.stop();
    }
  });

  test("a run trains by both kinds of stages, evaluates and writes its report", async () => {
    const folder = tempFolder();
    const source = { file: "starter:pairs.csv", limit: 8 };
    const recipe: RecipeInput = {
      name: "oldest",
      model: await writeTinyModel(join(folder, "model")),
      maxTokens: 300,
      data: {
        ...tinyData,
        contrast: [
          { ...source, labels: ["toxic"] },
          { ...source, labels: ["seemingly_toxic"] },
        ],
      },
      stages: [
        { type: "contrastive", layer: 2, steps: 2, sampler: { batch: 4 } },
        { type: "supervised", steps: 2, batchSize: 2 },
      ],
      evaluate: { suites: [{ name: "pairs", source }], maxNewTokens: 4 },
    };
    await writeFile(join(folder, "oldest.discern.json"), JSON.stringify(recipe));
    await execa(node!, [cli, "run", "oldest.discern.json", "--out", "run"], { cwd: folder });
    const { state, steps } = timeline(readEvents(join(folder, "run/events.jsonl")));
    expect(state).toBe("finished");
    expect(steps).toHaveLength(4);
    expect(existsSync(join(folder, "run/report.json"))).toBe(true);
  });
});
