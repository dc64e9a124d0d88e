import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import { expect, test } from "vitest";
import { openPromise } from "yauzl";
import { timeline } from "../../src/protocol/timeline.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";

const root = join(import.meta.dirname, "../..");

/** Unpacks a VSIX, which is a zip, into a folder. */
async function unpack(vsix: string, folder: string): Promise<void> {
  const zip = await openPromise(vsix);
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName.endsWith("/")) continue;
    const path = join(folder, entry.fileName);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path));
  }
}

/** Targets of links and pictures in Markdown that are no address and no place in the same file. */
function relativeLinks(markdown: string): string[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)|(?:src|srcset|href)="([^"]+)"/g)];
  return targets.map(([, link, attribute]) => (link ?? attribute)!).filter((to) => !/^(https?:|#)/.test(to));
}

test("the VSIX holds one platform's library, under 60 MB, and what it unpacks to trains two steps", async () => {
  const folder = tempFolder();
  const vsix = join(folder, "discern.vsix");
  // Without a new build: other tests run what is built.
  const project = "https://github.com/someone/discern";
  const asked = ["--out", vsix, "--pre-release", "--project", project];
  await execa(process.execPath, [join(root, "scripts/package.ts"), ...asked], { cwd: root });
  expect((await stat(vsix)).size).toBeLessThan(60e6);
  await unpack(vsix, folder);
  expect(await readFile(join(folder, "extension.vsixmanifest"), "utf8")).toMatch(
    /Microsoft.VisualStudio.Code.PreRelease" Value="true"/,
  );
  const extension = join(folder, "extension");
  const files = await readdir(extension, { recursive: true });
  const libraries = files.filter((file) => /\.(node|so[.\d]*|dylib|dll)$/.test(file));
  const { platform, arch } = process;
  const ofThisPlatform = (file: string) =>
    file.includes(join(platform, arch)) || file.includes(`tokenizers.${platform}-${arch}`);
  expect(libraries.some((file) => file.includes("tokenizers"))).toBe(true);
  expect(libraries.some((file) => file.includes("onnxruntime"))).toBe(true);
  expect(libraries.filter((file) => !ofThisPlatform(file))).toEqual([]);
  expect(files.filter((file) => /^(src|test|scripts)\b|\.map$/.test(file))).toEqual([]);
  // A marketplace shows these alone, so that a relative link or picture would lead nowhere.
  for (const name of ["readme.md", "changelog.md"]) {
    const shown = files.find((file) => file.toLowerCase() === name)!;
    expect(relativeLinks(await readFile(join(extension, shown), "utf8")), name).toEqual([]);
  }
  expect(relativeLinks(await readFile(join(root, "README.md"), "utf8"))).not.toEqual([]);
  const notices = await readFile(join(extension, "dist/ThirdPartyNotices.txt"), "utf8");
  // Of a bundle of the engine, of pages alone, of the packages beside the bundles, and of the icons.
  for (const name of ["zod", "chart.js", "onnxruntime-node", "tokenizers", "@vscode/codicons"]) {
    expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)\\n\\n.`, "m"));
  }
  expect(notices).toContain("Permission is hereby granted");

  const run = join(folder, "run");
  const recipe = {
    name: "packaged",
    model: await writeTinyModel(join(folder, "model")),
    maxTokens: 300,
    data: tinyData,
    stages: [{ type: "supervised", steps: 2, batchSize: 2 }],
    evaluate: {
      suites: [{ name: "few", source: { file: "starter:pairs.csv", limit: 4 } }],
      ...{ before: false, maxNewTokens: 2 },
    },
  };
  await writeFile(join(folder, "packaged.discern.json"), JSON.stringify(recipe));
  await execa(
    process.execPath,
    [join(extension, "dist/cli.js"), "run", join(folder, "packaged.discern.json"), "--out", run],
    { cwd: folder },
  );
  const { state, steps } = timeline(readEvents(join(run, "events.jsonl")));
  expect(state).toBe("finished");
  expect(steps.map(({ loss }) => Number.isFinite(loss))).toEqual([true, true]);
  // The page of HTML reports is packaged, too, and found beside the engine.
  expect(await readFile(join(run, "report.html"), "utf8")).toContain('id="report"');
}, 300_000);
