import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findModels, resolveModel } from "../../src/modelsHome/home.ts";
import { findInHubCache, hubSnapshots, snapshotOf } from "../../src/modelsHome/hubCache.ts";
import { hubCacheHome, hubTokenFile } from "../../src/modelsHome/hubHome.ts";
import { parseHubName } from "../../src/modelsHome/hubName.ts";
import { listedModels } from "../../src/modelsHome/listed.ts";
import { suggestedModels } from "../../src/modelsHome/suggestedModels.ts";
import { commitOf } from "../hubServer.ts";
import { tempFolder } from "../tempFolder.ts";

let home: string;
beforeEach(() => {
  vi.stubEnv("HF_HOME", tempFolder());
  for (const name of ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN_PATH"]) vi.stubEnv(name, undefined);
  vi.stubEnv("DISCERN_MODELS", tempFolder());
  home = hubCacheHome();
});
afterEach(() => vi.unstubAllEnvs());

const [a, b, c] = [commitOf("a"), `${"a".repeat(39)}b`, commitOf("c")];
const folderOf = (id: string) => join(home, `models--${id.replaceAll("/", "--")}`);
const path = (id: string, commit: string) => join(folderOf(id), "snapshots", commit);

/** A commit of a model in the cache, its files as links into blobs, as Python leaves them. */
async function put(id: string, commit: string, files: readonly string[], refs: readonly string[] = []) {
  const folder = folderOf(id);
  await mkdir(join(folder, "blobs"), { recursive: true });
  for (const [i, name] of files.entries()) {
    const blob = join(folder, "blobs", `${commit}${i}`);
    await writeFile(
      blob,
      name === index ? JSON.stringify({ weight_map: { a: shard(1), b: shard(2) } }) : "{}",
    );
    await mkdir(dirname(join(path(id, commit), name)), { recursive: true });
    await symlink(relative(path(id, commit), blob), join(path(id, commit), name));
  }
  for (const ref of refs) {
    await mkdir(dirname(join(folder, "refs", ref)), { recursive: true });
    await writeFile(join(folder, "refs", ref), commit);
  }
}
const index = "model.safetensors.index.json";
const shard = (n: number) => `model-0000${n}-of-00002.safetensors`;
const whole = ["config.json", "model.safetensors", "tokenizer.json"];
const find = (name: string) => findInHubCache(parseHubName(name)!);

test("a model resolves by branch, tag, pull request and commit, in full or shortened where it is not ambiguous", async () => {
  await put("owner/name", a, whole, ["main", "refs/pr/1"]);
  await put("owner/name", b, whole, ["v1.0"]);
  await put("owner/name", c, whole, ["work/branch"]);
  for (const [revision, commit] of [
    ["main", a],
    ["refs/pr/1", a],
    ["v1.0", b],
    ["work/branch", c],
    [c, c],
    ["cccc", c],
  ] as const) {
    expect(await find(`owner/name@${revision}`)).toBe(path("owner/name", commit));
  }
  expect(await resolveModel("owner/name")).toBe(path("owner/name", a));
  await expect(find("owner/name@aaaa")).rejects.toThrow(/the beginning of several commits: a{40}, a{39}b/);
  await expect(find("owner/name@nowhere")).rejects.toMatchObject({
    code: "model-missing",
    message: expect.stringMatching(
      /does not have the revision "nowhere".*v1\.0.*discern pull owner\/name@nowhere/,
    ),
  });
  expect(await find("owner/other")).toBeNull();
});

test("without a main branch the only commit is taken, and of several none", async () => {
  await put("owner/name", a, whole);
  expect(await find("owner/name")).toBe(path("owner/name", a));
  await put("owner/name", c, whole);
  await expect(find("owner/name")).rejects.toThrow(/has a{12}, c{12}\. Name one/);
});

test("a model is found in the models home first, and by its short name in the cache", async () => {
  await put("HuggingFaceTB/SmolLM2-135M-Instruct", a, whole, ["main"]);
  expect(await resolveModel("smollm2-135m")).toBe(path("HuggingFaceTB/SmolLM2-135M-Instruct", a));
  const own = join(process.env.DISCERN_MODELS!, "smollm2-135m");
  await mkdir(own);
  await writeFile(join(own, "model.gguf"), "");
  expect(await resolveModel("smollm2-135m")).toBe(own);
  await expect(resolveModel("owner/none")).rejects.toThrow(/models--owner--none.*discern pull owner\/none/);
});

test.each([
  ["a shard", ["config.json", index, shard(1)], /model-00002-of-00002\.safetensors is missing/],
  ["shards, and the index", ["config.json", shard(2)], /model-00001-of-00002\.safetensors is missing/],
  ["all weights", ["config.json", "tokenizer.json"], /model\.safetensors is missing/],
  ["the configuration", ["model.safetensors"], /config\.json is missing/],
  ["all but the tokenizer", ["tokenizer.json"], /config\.json and 1 more file are missing/],
])("a download that lacks %s is incomplete, and not missing", async (_, files, message) => {
  await put("owner/name", a, files, ["main"]);
  await writeFile(join(folderOf("owner/name"), "blobs", "x.1234.incomplete"), "");
  await expect(find("owner/name")).rejects.toThrow(/the download is incomplete/);
  await expect(find("owner/name")).rejects.toThrow(message);
  await expect(find("owner/name")).rejects.toThrow(/1 file is fetched just now.*discern pull owner\/name$/);
});

test("a link whose blob is gone is a missing file", async () => {
  await put("owner/name", a, whole, ["main"]);
  await rm(join(folderOf("owner/name"), "blobs", `${a}1`));
  await expect(find("owner/name")).rejects.toThrow(/model\.safetensors is missing/);
});

test("weights that can hold programs are named, and fetching is not advised", async () => {
  await put("owner/name", a, ["config.json", "pytorch_model.bin"], ["main"]);
  await expect(find("owner/name")).rejects.toThrow(
    /pytorch_model\.bin, which can hold programs.*is not read\.$/,
  );
});

test("files where the system has no links are read as they lie", async () => {
  await mkdir(path("owner/name", a), { recursive: true });
  for (const name of whole) await writeFile(join(path("owner/name", a), name), "{}");
  expect(await find("owner/name")).toBe(path("owner/name", a));
});

test("links that lead out of the cache are not followed; a model that was moved to another disk is", async () => {
  await put("owner/name", a, ["config.json"], ["main"]);
  const secret = join(tempFolder(), "secret");
  await writeFile(secret, "{}");
  await symlink(secret, join(path("owner/name", a), "model.safetensors"));
  await expect(find("owner/name")).rejects.toThrow(
    /model\.safetensors is a link to .*secret, which is not in the cache/,
  );
  await symlink(secret, join(path("owner/name", a), "x.gguf"));
  await expect(find("owner/name/x.gguf")).rejects.toThrow(/has no file x\.gguf/);

  const elsewhere = tempFolder();
  await put("owner/moved", c, whole, ["main"]);
  await rename(folderOf("owner/moved"), join(elsewhere, "moved"));
  await symlink(join(elsewhere, "moved"), folderOf("owner/moved"));
  expect(await find("owner/moved")).toBe(path("owner/moved", c));
});

test.each([
  "../up",
  "owner/..",
  "owner/name@../../x",
  "owner/name@",
  "a/b/c",
  "/etc/x",
  "owner--x/name",
  "o/n@a/../b",
])("%s is no name of the hub", (text) => expect(parseHubName(text)).toBeNull());

test("a ref that is no commit is ignored", async () => {
  await put("owner/name", a, whole);
  await mkdir(join(folderOf("owner/name"), "refs"));
  await writeFile(join(folderOf("owner/name"), "refs", "main"), "../../../../etc");
  expect(await find("owner/name")).toBe(path("owner/name", a));
});

test("one GGUF file of several is named", async () => {
  await put("owner/name", a, ["x.Q4_K_M.gguf", "x.Q8_0.gguf"], ["main"]);
  expect(await find("owner/name/x.Q8_0.gguf")).toBe(join(path("owner/name", a), "x.Q8_0.gguf"));
  expect(await find("owner/name@aaaa/x.Q8_0.gguf")).toBe(join(path("owner/name", a), "x.Q8_0.gguf"));
});

test("the list has models and adapters, whole or not, and neither classifiers, tokenizers nor data sets", async () => {
  await put("owner/name", a, whole, ["main"]);
  await put("owner/name", c, ["config.json"]);
  await put("owner/lora", a, ["adapter_config.json", "adapter_model.safetensors"], ["main"]);
  await put("owner/judge", a, ["config.json", "onnx/model.onnx"], ["main"]);
  await put("owner/tokens", a, ["tokenizer.json"], ["main"]);
  await mkdir(join(home, "datasets--owner--data", "snapshots", a), { recursive: true });
  await mkdir(join(home, ".locks"));
  await writeFile(join(home, "version.txt"), "1");
  const found = await hubSnapshots();
  expect(found.map(({ id, commit, kind, incomplete }) => [id, commit[0], kind, incomplete])).toEqual([
    ["owner/lora", "a", "adapter", false],
    ["owner/name", "a", "model", false],
    ["owner/name", "c", "model", true],
  ]);
  expect(found[1]!.refs).toEqual(["main"]);
  expect(snapshotOf(join(found[1]!.path, "config.json"))).toEqual({ id: "owner/name", commit: a });
  expect(snapshotOf(join(home, "owner"))).toBeNull();
  // Without a cache there is nothing, and no error.
  vi.stubEnv("HF_HOME", join(tempFolder(), "none"));
  expect(await hubSnapshots()).toEqual([]);
  expect(await findModels(join(home, "none"))).toEqual([]);
  expect(await readdir(home)).toContain("version.txt");
});

test("where the cache lies is read from the environment as Python reads it", () => {
  vi.stubEnv("HF_HOME", "");
  vi.stubEnv("XDG_CACHE_HOME", "/xdg");
  expect(hubCacheHome()).toBe("/xdg/huggingface/hub");
  vi.stubEnv("HF_HOME", "$XDG_CACHE_HOME/hf");
  expect(hubCacheHome()).toBe("/xdg/hf/hub");
  expect(hubTokenFile()).toBe("/xdg/hf/token");
  vi.stubEnv("HUGGINGFACE_HUB_CACHE", "/older");
  expect(hubCacheHome()).toBe("/older");
  vi.stubEnv("HOME", "/home/me");
  vi.stubEnv("HF_HUB_CACHE", "~/hub");
  expect(hubCacheHome()).toBe("/home/me/hub");
  vi.stubEnv("HF_TOKEN_PATH", "/secret/token");
  expect(hubTokenFile()).toBe("/secret/token");
});

test("lists name a model as a recipe does, with its size and what is known against it", async () => {
  await put("owner/name", a, whole, ["main"]);
  await put("owner/name", b, ["config.json"], ["v1"]);
  await put("owner/name", c, whole);
  await mkdir(join(process.env.DISCERN_MODELS!, "own/model"), { recursive: true });
  await writeFile(join(process.env.DISCERN_MODELS!, "own/model/x.gguf"), "1234");
  const found = await listedModels();
  expect(found.map(({ name, place, bytes, problem }) => [name, place, bytes, problem !== null])).toEqual([
    ["own/model", "models home", 4, false],
    ["owner/name", "Hugging Face cache", 6, false],
    ["owner/name@v1", "Hugging Face cache", 2, true],
    [`owner/name@${c.slice(0, 12)}`, "Hugging Face cache", 6, false],
  ]);
  for (const { name, path, problem } of found) {
    if (problem === null) expect(await resolveModel(name)).toBe(path);
  }
});

test("suggested models have names that nothing else could mean, smallest first", () => {
  for (const { name, hub } of suggestedModels) {
    expect(parseHubName(hub)).toEqual({ id: hub, revision: null, file: null });
    expect(name).toMatch(/^[a-z0-9.-]+$/);
  }
  expect(new Set(suggestedModels.map(({ name }) => name)).size).toBe(suggestedModels.length);
  const sizes = suggestedModels.map(({ parameters }) => parameters);
  expect(sizes).toEqual(sizes.toSorted((x, y) => x - y));
});
