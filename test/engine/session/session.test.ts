import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSession } from "../../../src/engine/session/session.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";

it("tells whoever opens a model what of its settings is ignored", async () => {
  const folder = await writeTinyModel(join(tempFolder(), "model"));
  const path = join(folder, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...config, later_key: 1, repetition_penalty: 1.3 }));
  const warnings: string[] = [];
  const session = await openSession({
    model: folder,
    root: folder,
    device: "cpu",
    threads: 1,
    template: "auto",
    onWarning: (message) => warnings.push(message),
  });
  await session.backend.dispose();
  expect(warnings).toEqual([
    expect.stringMatching(/later_key/),
    expect.stringMatching(/repetition_penalty 1\.3 is ignored/),
  ]);
});
