import { lstat, mkdir, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pullModel } from "../../../../src/engine/model/download/pull.ts";
import { resolveModel } from "../../../../src/modelsHome/home.ts";
import { hubSnapshots } from "../../../../src/modelsHome/hubCache.ts";
import { hubCacheHome } from "../../../../src/modelsHome/hubHome.ts";
import { commitOf, gitHash, type HubRepo, hubOf, sha256 } from "../../../hubServer.ts";
import { serve } from "../../../localServer.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { tempFolder } from "../../../tempFolder.ts";

beforeEach(() => {
  vi.stubEnv("HF_HOME", tempFolder());
  vi.stubEnv("DISCERN_MODELS", tempFolder());
  for (const name of [
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_TOKEN_PATH",
  ])
    vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

const [a, b] = [commitOf("a"), commitOf("b")];
const weights = Buffer.alloc(200_000, 7);
const files = {
  "README.md": Buffer.from("#"),
  "config.json": Buffer.from('{"model_type": "llama"}'),
  "generation_config.json": Buffer.from('{"do_sample": false}'),
  "model.safetensors": weights,
  "model.fp16.safetensors": Buffer.from("a variant"),
  "pytorch_model.bin": Buffer.from("pickle"),
  "tokenizer.json": Buffer.from("{}"),
};
const repo = (more: Partial<HubRepo> = {}): HubRepo => ({
  commits: { [a]: files, [b]: { ...files, "config.json": Buffer.from('{"model_type": "qwen2"}') } },
  refs: { main: a, next: b },
  ...more,
});

async function hub(repos: Record<string, HubRepo> = { "owner/name": repo() }, before?: RequestListener) {
  const served = hubOf(repos);
  const { url, seen } = await serve((request, response) => {
    before?.(request, response);
    if (!response.writableEnded) served(request, response);
  });
  vi.stubEnv("HF_ENDPOINT", url);
  return { url, fetched: () => seen.map(({ url }) => url!).filter((each) => each.includes("/resolve/")) };
}
const folder = () => join(hubCacheHome(), "models--owner--name");

describe("pull into the cache", () => {
  test("writes blobs by their checksums, links by relative paths and the ref, and only what is needed", async () => {
    await hub();
    const { path, commit } = await pullModel("owner/name");
    expect([path, commit]).toEqual([join(folder(), "snapshots", a), a]);
    expect((await readdir(path)).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
    expect((await readdir(join(folder(), "blobs"))).sort()).toEqual(
      [
        sha256(weights),
        ...(["config.json", "generation_config.json", "tokenizer.json"] as const).map((name) =>
          gitHash(files[name]),
        ),
      ].sort(),
    );
    expect(await readlink(join(path, "model.safetensors"))).toBe(`../../blobs/${sha256(weights)}`);
    expect(await readFile(join(folder(), "refs/main"), "utf8")).toBe(a);
    expect(await resolveModel("owner/name")).toBe(path);
  });

  test("another revision shares what is the same; an update follows the branch", async () => {
    const repos = { "owner/name": { ...repo(), refs: { main: a, next: b } as Record<string, string> } };
    const { fetched } = await hub(repos);
    await pullModel("owner/name");
    const before = fetched().length;
    const { path } = await pullModel("owner/name@next");
    expect(fetched().slice(before)).toEqual([`/owner/name/resolve/${b}/config.json`]);
    expect(path).toBe(join(folder(), "snapshots", b));
    repos["owner/name"].refs.main = b;
    expect(await pullModel("owner/name")).toMatchObject({ from: "present", commit: a });
    expect(await pullModel("owner/name", { update: true })).toMatchObject({ from: "present", commit: b });
    expect(await readFile(join(folder(), "refs/main"), "utf8")).toBe(b);
  });

  test("what is missing of a shortened commit is fetched, though the hub knows whole ones alone", async () => {
    await hub();
    const { path } = await pullModel("owner/name@next");
    await rm(join(path, "model.safetensors"));
    await rm(join(folder(), "blobs", sha256(weights)));
    expect(await pullModel(`owner/name@${b.slice(0, 12)}`)).toMatchObject({ path, from: "hub", commit: b });
    expect(await readFile(join(path, "model.safetensors"))).toEqual(weights);
  });

  test("an interrupted download is resumed where it stopped, and is no model until then", async () => {
    const blob = join(folder(), "blobs", sha256(weights));
    let ranges: (string | undefined)[] = [];
    await hub(undefined, ({ url, headers }) => {
      if (url!.endsWith("/model.safetensors")) ranges = [...ranges, headers.range];
    });
    await mkdir(join(folder(), "blobs"), { recursive: true });
    await writeFile(`${blob}.discern.incomplete`, weights.subarray(0, 150_000));
    // What Python is fetching is its own.
    await writeFile(`${blob}.1234abcd.incomplete`, "another half");
    await pullModel("owner/name");
    expect(ranges).toEqual(["bytes=150000-"]);
    expect(await readFile(blob)).toEqual(weights);
    expect(await readFile(`${blob}.1234abcd.incomplete`, "utf8")).toBe("another half");
  });

  test("what was cut off leaves a cache in which the older commit is still whole", async () => {
    const repos = { "owner/name": { ...repo(), refs: { main: a } as Record<string, string> } };
    let broken = false;
    await hub(repos, ({ url }, response) => {
      if (broken && url!.endsWith("/config.json")) response.writeHead(500).end();
    });
    await pullModel("owner/name");
    repos["owner/name"].refs.main = b;
    broken = true;
    await expect(pullModel("owner/name", { update: true })).rejects.toThrow(
      /config\.json: the server answered 500/,
    );
    expect(await resolveModel("owner/name")).toBe(join(folder(), "snapshots", a));
    expect((await hubSnapshots()).find(({ commit }) => commit === b)).toMatchObject({ incomplete: true });
    broken = false;
    expect((await pullModel("owner/name", { update: true })).commit).toBe(b);
  });

  test("where links are off, files lie in the snapshot, and nothing is fetched twice", async () => {
    vi.stubEnv("HF_HUB_DISABLE_SYMLINKS", "1");
    const { fetched } = await hub();
    const { path } = await pullModel("owner/name");
    expect((await lstat(join(path, "config.json"))).isFile()).toBe(true);
    expect(await readdir(join(folder(), "blobs"))).toEqual([]);
    const before = fetched().length;
    await pullModel("owner/name", { update: true });
    expect(fetched()).toHaveLength(before);
  });

  test("shards come with their index, GGUF files one by one, adapters as such", async () => {
    const shard = (n: number) => `model-0000${n}-of-00002.safetensors`;
    const only = (of: Record<string, string>): HubRepo => ({
      commits: {
        [a]: Object.fromEntries(Object.entries(of).map(([name, text]) => [name, Buffer.from(text)])),
      },
      refs: { main: a },
    });
    await hub({
      "owner/shards": only({
        ...{ "config.json": "{}", [shard(1)]: "1", [shard(2)]: "2" },
        ...{ "model.safetensors.index.json": "[]", "consolidated.safetensors": "0" },
      }),
      "owner/ggufs": only({ "x.Q4_K_M.gguf": "4", "x.Q8_0.gguf": "88", "config.json": "{ }" }),
      "owner/lora": only({
        "adapter_config.json": "{}",
        "adapter_model.safetensors": "1",
        "tokenizer.json": "{ }",
      }),
      "owner/pickle": only({ "config.json": "{}", "pytorch_model.bin": "1" }),
      "owner/evil": only({ "config.json": "{}", "model.safetensors": "1", "tokenizer\\..\\x": "2" }),
    });
    const names = async (name: string) => (await readdir((await pullModel(name)).path)).sort();
    expect(await names("owner/shards")).toEqual([
      "config.json",
      shard(1),
      shard(2),
      "model.safetensors.index.json",
    ]);
    await expect(pullModel("owner/ggufs")).rejects.toThrow(
      /2 GGUF files.*owner\/ggufs\/FILE.*x\.Q8_0\.gguf \(1 kB\)/,
    );
    expect((await pullModel("owner/ggufs/x.Q8_0.gguf")).path).toMatch(/x\.Q8_0\.gguf$/);
    expect(await names("owner/lora")).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    await expect(pullModel("owner/pickle")).rejects.toThrow(/pytorch_model\.bin, which can hold programs/);
    await expect(pullModel("owner/evil")).rejects.toThrow(/a file called "tokenizer\\/);
  });

  test("gated, private, absent and misspelt are told apart, with what to do", async () => {
    const { url, fetched } = await hub({ "owner/name": repo({ token: "hf_right" }) });
    const refusal = async (name = "owner/name") => {
      const error: Error = await pullModel(name).then(
        () => expect.unreachable(),
        (reason) => reason,
      );
      return error.message;
    };
    expect(await refusal()).toMatch(
      new RegExp(
        `answered 401: owner/name is gated\\. Ask for access on ${url}/owner/name and log in.*hf auth login`,
      ),
    );
    expect(await refusal("owner/none")).toMatch(
      /answered 401: owner\/none is gated or private, or does not exist/,
    );
    expect(await refusal("owner/name@nowhere")).toMatch(
      /answered 404: owner\/name has no revision "nowhere"/,
    );
    vi.stubEnv("HF_TOKEN", "hf_wrong");
    expect(await refusal()).toMatch(
      /answered 403: owner\/name is gated, and the account of the token in HF_TOKEN has no access/,
    );
    expect(fetched().every((each) => each.endsWith("/model.safetensors"))).toBe(true);
  });

  test("the token is that of the environment, or of the file that logging in writes", async () => {
    await hub({ "owner/name": repo({ token: "hf_right" }) });
    await writeFile(join(process.env.HF_HOME!, "token"), "hf_right\n");
    expect((await pullModel("owner/name")).from).toBe("hub");
    await rm(hubCacheHome(), { recursive: true });
    vi.stubEnv("HF_TOKEN", "hf_wrong");
    await expect(pullModel("owner/name")).rejects.toThrow(/HF_TOKEN/);
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HUGGING_FACE_HUB_TOKEN", " hf_right ");
    expect((await pullModel("owner/name")).from).toBe("hub");
  });
});

describe.skipIf(skipWithoutTorch("the cache of models that Python uses"))(
  "with Python's huggingface_hub",
  () => {
    const run = async (code: string) => {
      const { stdout } = await execa(testPython!, ["-c", code], {
        env: { HF_HUB_DISABLE_XET: "1", HF_HUB_DISABLE_TELEMETRY: "1", HF_HUB_DISABLE_PROGRESS_BARS: "1" },
      });
      return stdout.trim();
    };

    test("what Python fetched is read, and not fetched again", async () => {
      const { fetched } = await hub();
      const snapshot = await run(
        'import huggingface_hub as h; print(h.snapshot_download("owner/name", revision="next"))',
      );
      expect(await resolveModel("owner/name@next")).toBe(snapshot);
      const before = fetched().length;
      expect(await pullModel("owner/name@next")).toEqual({ path: snapshot, from: "present", commit: b });
      expect(fetched()).toHaveLength(before);
    }, 60_000);

    test("what was pulled is found by Python without a network, and its cache is sound", async () => {
      await hub();
      const { path } = await pullModel("owner/name");
      vi.stubEnv("HF_HUB_OFFLINE", "1");
      const code = `
import huggingface_hub as h
print(h.snapshot_download("owner/name"))
print(h.hf_hub_download("owner/name", "model.safetensors"))
found = h.scan_cache_dir()
print(len(found.warnings), [(r.repo_id, r.nb_files, [sorted(v.refs) for v in r.revisions]) for r in found.repos])
from transformers import AutoConfig
print(AutoConfig.from_pretrained("owner/name").model_type)`;
      expect((await run(code)).split("\n")).toEqual([
        path,
        join(path, "model.safetensors"),
        "0 [('owner/name', 4, [['main']])]",
        "llama",
      ]);
    }, 60_000);

    test("both fetch the same model at the same time, and the cache is whole", async () => {
      await hub();
      const fetching =
        'import huggingface_hub as h; print(h.snapshot_download("owner/name", allow_patterns=["*.json", "model.s*"]))';
      const [ours, theirs] = await Promise.all([
        run(fetching).then(async (path) => ({ path })),
        pullModel("owner/name"),
      ]);
      expect(ours.path).toBe(theirs.path);
      expect(await readFile(join(ours.path, "model.safetensors"))).toEqual(weights);
      expect((await readdir(join(folder(), "blobs"))).filter((name) => name.endsWith(".incomplete"))).toEqual(
        [],
      );
    }, 60_000);
  },
);
