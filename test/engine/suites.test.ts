import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { fetchSuite, listSuites } from "../../src/engine/abilities/suites.ts";
import { workbenchHandlers } from "../../src/engine/commands/workbench.ts";
import { suiteDeclarationSchema } from "../../src/protocol/suiteDeclaration.ts";
import { readSuite } from "../../src/recipe/suites.ts";
import { cachedPath } from "../../src/suites/locate.ts";
import { knownSuites } from "../../src/suites/registry.ts";
import { ranged, serve } from "../localServer.ts";
import { tempFolder } from "../tempFolder.ts";

const bytes = Buffer.from(
  `prompt\n${Array.from({ length: 4000 }, (_, i) => `Is question ${i} fine?`).join("\n")}\n`,
);
const sha256 = createHash("sha256").update(bytes).digest("hex");

let home: string;
let root: string;
beforeEach(() => {
  home = tempFolder();
  root = tempFolder();
  vi.stubEnv("DISCERN_SUITES", home);
  vi.stubEnv("DISCERN_DATA", "");
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("HF_HUB_OFFLINE", "");
  vi.stubEnv("TRANSFORMERS_OFFLINE", "");
  return () => vi.unstubAllEnvs();
});

/** A suite of a person's, whose file is fetched. */
function declare(from: object, more: object = {}, suite: object = {}): string {
  const path = join(root, "suites", "own.suite.json");
  mkdirSync(dirname(path), { recursive: true });
  const file = { file: "own.csv", from, read: { label: "seemingly_toxic" }, ...more };
  const declaration = { id: "own", title: "Own", task: "refusal", about: "Own.", licence: "none", ...suite };
  writeFileSync(path, JSON.stringify({ ...declaration, files: [file] }));
  return path;
}
const at = (url: string) => ({ type: "url", url: `${url}/own.csv` });
const own = { name: "own", suite: "own", seed: 0 };

describe("fetching a suite", () => {
  test("checks what is declared, keeps it in the cache, and fetches nothing twice", async () => {
    const { url, seen } = await serve(ranged(bytes));
    declare(at(url), { sha256, bytes: bytes.length });
    const done: number[] = [];
    const [file] = await fetchSuite("own", { root, onProgress: (progress) => done.push(progress.done) });
    expect(file).toMatchObject({ bytes: bytes.length, sha256, state: "fetched", checksum: "declared" });
    expect(file!.path.startsWith(home)).toBe(true);
    expect(done.at(-1)).toBe(bytes.length);
    expect(await fetchSuite("own", { root })).toMatchObject([{ state: "present", checksum: "declared" }]);
    expect(seen).toHaveLength(1);
    expect(await readSuite(own, { root })).toMatchObject({ task: "refusal", records: { length: 4000 } });
    expect((await listSuites(root)).find(({ id }) => id === "own")).toMatchObject({ state: "cached" });
  });

  test("is what a workbench asks for, with progress", async () => {
    const { url } = await serve(ranged(bytes));
    const path = declare(at(url), { sha256, bytes: bytes.length });
    const told: string[] = [];
    const { files } = await workbenchHandlers(["discern"]).fetchSuite!(
      { suite: path, root: "/" },
      {
        progress: (title) => (done, total) => told.push(`${title} ${done}/${total}`),
        written: () => undefined,
        signal: new AbortController().signal,
      },
    );
    expect(readFileSync(files[0]!).equals(bytes)).toBe(true);
    expect(told.at(-1)).toBe(`Fetching ${path} ${bytes.length}/${bytes.length}`);
  });

  test("records a checksum that is not declared, and holds later fetches to it", async () => {
    let sent = bytes;
    const { url } = await serve((...asked) => ranged(sent)(...asked));
    declare(at(url));
    const [file] = await fetchSuite("own", { root });
    expect(file).toMatchObject({ sha256, checksum: "recorded" });
    writeFileSync(file!.path, "prompt\nchanged in the cache\n");
    await expect(readSuite(own, { root })).rejects.toMatchObject({ code: "dataset-unreadable" });
    // What was changed here is fetched again, and what changed on the server is refused.
    expect(await fetchSuite("own", { root })).toMatchObject([{ state: "fetched", sha256 }]);
    writeFileSync(file!.path, "prompt\nchanged in the cache\n");
    sent = Buffer.from("prompt\nOther?\n");
    await expect(fetchSuite("own", { root })).rejects.toThrow(/checksum is wrong/);
  });

  test("resumes what was cut off", async () => {
    const { url, seen } = await serve(ranged(bytes));
    const path = declare(at(url), { sha256 });
    const declaration = suiteDeclarationSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    const target = cachedPath(declaration, declaration.files[0]!);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(`${target}.part`, bytes.subarray(0, 40_000));
    expect(await fetchSuite("own", { root })).toMatchObject([{ sha256 }]);
    expect(seen[0]!.headers.range).toBe("bytes=40000-");
  });

  test("resumes by itself after a broken connection", async () => {
    let broken = false;
    const { url, seen } = await serve((request, response) => {
      if (broken) return ranged(bytes)(request, response);
      broken = true;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 50));
      return undefined;
    });
    declare(at(url), { sha256 });
    expect(await fetchSuite("own", { root })).toMatchObject([{ sha256 }]);
    expect(seen).toHaveLength(2);
  });

  test("follows a redirection, without the hub's token to another host", async () => {
    vi.stubEnv("HF_TOKEN", "hf_secret");
    const store = await serve(ranged(bytes));
    const elsewhere = store.url.replace("127.0.0.1", "localhost");
    const hub = await serve((_, response) =>
      response.writeHead(302, { location: `${elsewhere}/blob` }).end(),
    );
    vi.stubEnv("HF_ENDPOINT", hub.url);
    declare(
      { type: "hub", dataset: "someone/own", revision: "abc123", path: "data/own file.csv" },
      { sha256 },
    );
    expect(await fetchSuite("own", { root })).toMatchObject([{ sha256 }]);
    expect(hub.seen[0]!.url).toBe("/datasets/someone/own/resolve/abc123/data/own%20file.csv");
    expect(hub.seen[0]!.headers.authorization).toBe("Bearer hf_secret");
    expect(store.seen[0]!.headers.authorization).toBeUndefined();
  });

  const answering =
    (status: number): RequestListener =>
    (_, response) =>
      response.writeHead(status).end("<html>no</html>");

  test.each([
    [
      "a wrong checksum",
      ranged(bytes),
      { sha256: "0".repeat(64) },
      /own could not be fetched.*checksum is wrong/s,
    ],
    ["another size", ranged(bytes), { bytes: 7 }, /the server offers \d+ bytes, and the file has 7/],
    ["a file that is not there", answering(404), {}, /the server answered 404/],
    ["a page in place of the file", answering(500), {}, /the server answered 500/],
  ])("%s is refused, and nothing is left that could be read", async (_, listener, more, message) => {
    const { url } = await serve(listener);
    const path = declare(at(url), more);
    await expect(fetchSuite("own", { root })).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(message),
    });
    const declaration = suiteDeclarationSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    expect(existsSync(cachedPath(declaration, declaration.files[0]!))).toBe(false);
  });

  test("more bytes than a file has are not listened to, where the server does not say how many there are", async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200);
      const more = () => response.write(Buffer.alloc(1 << 16), (error) => error || setTimeout(more, 1));
      more();
    });
    declare(at(url), { bytes: 100_000 });
    await expect(fetchSuite("own", { root })).rejects.toThrow(/the file has 100000/);
  });

  test.each([
    [401, "open", /gated or private.*datasets\/someone\/own.*HF_TOKEN/s],
    [403, "user-only", /is gated.*datasets\/someone\/own.*for your own use alone/s],
  ] as const)("a gated data set names its page (%i)", async (status, access, message) => {
    const { url } = await serve(answering(status));
    vi.stubEnv("HF_ENDPOINT", url);
    declare({ type: "hub", dataset: "someone/own", revision: "main", path: "own.csv" }, {}, { access });
    await expect(fetchSuite("own", { root })).rejects.toThrow(message);
  });

  test("the environment can forbid the network", async () => {
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    const { url, seen } = await serve(ranged(bytes));
    declare(at(url));
    await expect(fetchSuite("own", { root })).rejects.toThrow(/HF_HUB_OFFLINE says to stay offline/);
    expect(seen).toEqual([]);
  });

  test("two at the same time fetch a file once", async () => {
    const { url, seen } = await serve(ranged(bytes));
    declare(at(url), { sha256 });
    const both = await Promise.all([fetchSuite("own", { root }), fetchSuite("own", { root })]);
    expect(both.flat().map(({ sha256: each }) => each)).toEqual([sha256, sha256]);
    expect(seen).toHaveLength(1);
  });

  test("a suite that nobody knows is named, with the nearest that is", async () => {
    await expect(fetchSuite("xtest", { root })).rejects.toThrow(/no suite "xtest"\. Did you mean "xstest"\?/);
  });
});

test("every known suite is listed, and a suite file with a fault with its line and key", async () => {
  const path = declare(at("http://127.0.0.1:1"), { sha25: "x" });
  const found = await listSuites(root);
  expect(found.slice(0, -1).map(({ id }) => id)).toEqual(knownSuites.map(({ id }) => id));
  expect(found.at(-1)).toMatchObject({ id: "own", declaredBy: path });
  expect(found.at(-1)!.fault).toMatch(
    /own\.suite\.json:1:\d+: files\[0\]\.sha25: Unknown key, did you mean "sha256"\?/,
  );
});
