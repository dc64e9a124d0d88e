import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { otherBase } from "../../../src/engine/model/adapterBase.ts";
import { commitOf } from "../../hubServer.ts";
import { tempFolder } from "../../tempFolder.ts";

const cached = (name: string, commit = commitOf("a")) =>
  `/cache/hub/models--${name.replace("/", "--")}/snapshots/${commit}`;
const base = (path: string, name = path.split("/").at(-1)!, config = {}) => ({ path, name, config });

test.each([
  [null, base("/models/x")],
  ["", base("/models/x")],
  ["Qwen/Qwen2.5-1.5B", base(cached("Qwen/Qwen2.5-1.5B"), "Qwen/Qwen2.5-1.5B")],
  ["/other/machine/Qwen2.5-1.5B/", base(cached("Qwen/Qwen2.5-1.5B"), "Qwen/Qwen2.5-1.5B")],
  [cached("Qwen/Qwen2.5-1.5B"), base("/models/qwen2.5-1.5b")],
  ["HuggingFaceTB/SmolLM2-135M-Instruct", base("/home/me/.cache/discern/models/smollm2-135m")],
  ["HuggingFaceTB/SmolLM2-135M-Instruct", base("/m/SmolLM2-135M-Instruct.Q4_1.gguf")],
  ["meta-llama/Llama-3.2-1B", base("/models/mine", "mine", { _name_or_path: "meta-llama/Llama-3.2-1B" })],
])("%j is the model itself", async (named, model) => {
  expect(await otherBase("/adapter", named, model)).toBeNull();
});

test("a link to the same folder is the same model", async () => {
  const folder = tempFolder();
  await mkdir(join(folder, "model"));
  await symlink(join(folder, "model"), join(folder, "other name"));
  expect(await otherBase("/adapter", join(folder, "other name"), base(join(folder, "model")))).toBeNull();
});

test("another model, or another commit of it, is told", async () => {
  expect(await otherBase("/adapter", "Qwen/Qwen2.5-7B", base("/models/qwen2.5-7b-instruct"))).toMatch(
    /The adapter \/adapter names "Qwen\/Qwen2\.5-7B" as its base model, and is applied to qwen2\.5-7b-instruct/,
  );
  const now = base(cached("owner/name", commitOf("b")), "owner/name");
  expect(await otherBase("/adapter", cached("owner/name"), now)).toMatch(
    /commit a{12} of owner\/name, and is applied to commit b{12}/,
  );
});
