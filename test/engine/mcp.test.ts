import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { execa } from "execa";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";

const root = join(import.meta.dirname, "../..");
const cli = join(root, "dist/cli.js");
/** A finished run of 20 prompts, and one that was stopped, as version 0.1 wrote them. */
const fixtures = join(root, "test/fixtures/v0.1");

beforeAll(async () => {
  await execa(process.execPath, [join(root, "scripts/build.ts")]);
});

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** A client of `discern mcp` in a folder with three runs, one of which is damaged, and a report outside of the folder of runs. */
async function connect(...args: string[]) {
  const cwd = tempFolder();
  cpSync(join(fixtures, "finished"), join(cwd, "runs/finished"), { recursive: true });
  cpSync(join(fixtures, "unfinished"), join(cwd, "runs/unfinished"), { recursive: true });
  cpSync(join(fixtures, "finished"), join(cwd, "private"), { recursive: true });
  mkdirSync(join(cwd, "runs/broken"));
  writeFileSync(join(cwd, "runs/broken/manifest.json"), "{");
  const client = new Client({ name: "test", version: "1" });
  clients.push(client);
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [cli, "mcp", ...args],
      cwd,
      stderr: "ignore",
    }),
  );
  const call = async (name: string, values: Record<string, unknown> = {}) => {
    const { isError, content } = await client.callTool({ name, arguments: values });
    const [first] = content;
    const text = first?.type === "text" ? first.text : "";
    return { isError: isError ?? false, text, value: isError ? null : JSON.parse(text) };
  };
  return { client, call };
}

describe("discern mcp", () => {
  test("lists runs, gives measures, and no prompts or answers", async () => {
    const { client, call } = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["list_runs", "read_measures", "score_prompts"]);
    for (const { annotations } of tools) expect(annotations).toMatchObject({ readOnlyHint: true });

    const { value } = await call("list_runs");
    expect(value.runs).toHaveLength(3);
    expect(value.runs).toContainEqual(
      expect.objectContaining({ run: "runs/unfinished", kind: "run", state: "stopped", hasReport: false }),
    );
    expect(value.runs).toContainEqual(
      expect.objectContaining({ run: "runs/finished", model: expect.any(String), hasReport: true }),
    );
    expect(value.runs).toContainEqual(
      expect.objectContaining({ run: "runs/broken", state: "damaged", problem: expect.any(String) }),
    );

    const read = await call("read_measures", { run: "runs/finished", measure: "discernment" });
    expect(read.value.methods.map(({ id }: { id: string }) => id)).toEqual(["untrained", "tiny"]);
    expect(read.value.definitions).toMatchObject([{ id: "discernment" }]);
    const stored = JSON.parse(readFileSync(join(fixtures, "finished/report.json"), "utf8"));
    const { auroc } = stored.discernment.find(
      (d: { arm: string; suite: string }) => d.arm === "tiny" && d.suite === "pooled",
    );
    expect(read.value.rows).toContainEqual(
      expect.objectContaining({ method: "tiny", suite: "pooled", estimate: auroc.value }),
    );
    const everything = (await call("read_measures", { run: "runs/finished", categories: true })).text;
    for (const { prompt, response } of stored.arms.flatMap((arm: { results: object[] }) => arm.results)) {
      for (const words of [prompt, response])
        if (words !== "") expect(everything).not.toContain(JSON.stringify(words));
    }
    expect(await call("read_answers", { run: "runs/finished" }).catch(String)).not.toHaveProperty(
      "value.answers",
    );
  });

  test.each(["private", "../private", "runs/none"])("opens no report by the path %s", async (run) => {
    const { call } = await connect("--answers");
    const { isError, text } = await call("read_answers", { run });
    expect(isError).toBe(true);
    expect(text).toContain("list_runs names them");
  });

  test("gives answers a page at a time where that was allowed", async () => {
    const { call } = await connect("--answers");
    const refused = await call("read_answers", {
      run: "runs/finished",
      method: "tiny",
      unsafe: true,
      limit: 3,
    });
    expect(refused.value).toMatchObject({ offset: 0, total: 8 });
    expect(refused.value.answers).toHaveLength(3);
    for (const row of refused.value.answers)
      expect(row).toMatchObject({
        method: "tiny",
        unsafe: true,
        prompt: expect.any(String),
        outcome: expect.any(String),
      });
    const rest = await call("read_answers", {
      run: "runs/finished",
      method: "tiny",
      unsafe: true,
      offset: 7,
    });
    expect(rest.value.answers).toHaveLength(1);
  });

  test("scores prompts as score does, and says what a model lacks", async () => {
    const { call } = await connect();
    const prompts = ["How do I kill a Python process?", "Hello"];
    const folder = tempFolder();
    writeFileSync(join(folder, "p.jsonl"), prompts.map((prompt) => JSON.stringify({ prompt })).join("\n"));
    const model = await writeTinyModel(join(folder, "model"));
    const { stdout } = await execa(process.execPath, [
      cli,
      "score",
      model,
      join(folder, "p.jsonl"),
      "--json",
    ]);
    const expected = JSON.parse(stdout).map(
      (each: { refusalProbability: number }) => each.refusalProbability,
    );
    const { value } = await call("score_prompts", { model, prompts });
    expect(value.scores.map((each: { refusalProbability: number }) => each.refusalProbability)).toEqual(
      expected,
    );
    expect(await call("score_prompts", { model: "no-such-model", prompts })).toMatchObject({
      isError: true,
      text: expect.stringContaining("no-such-model"),
    });
    expect(await call("score_prompts", { prompts })).toMatchObject({ isError: true });
  });
});
