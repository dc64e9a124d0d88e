import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { monitor } from "../../../src/extension/engine/monitor.ts";
import {
  type EngineProcess,
  type EngineProgram,
  startEngine,
} from "../../../src/extension/engine/process.ts";
import { isAlive } from "../../../src/storage/processIdentity.ts";
import { skipWhen } from "../../skip.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";

const onWindows = skipWhen(
  process.platform === "win32",
  "halted and foreign programs: Windows has neither SIGSTOP nor shell scripts.",
);

const cli = join(import.meta.dirname, "../../../src/engine/start.ts");
const running: number[] = [];
afterEach(() => {
  for (const pid of running.splice(0)) if (isAlive(pid)) process.kill(pid, "SIGKILL");
});

async function start(changes: Partial<EngineProgram> = {}): Promise<EngineProcess> {
  const engine = await startEngine({
    node: process.execPath,
    cli,
    parent: process.pid,
    patience: 60_000,
    onLine: () => undefined,
    ...changes,
  });
  running.push(engine.pid);
  return engine;
}

async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** A program of this text in place of the engine or of Node.js. */
async function program(name: string, text: string): Promise<string> {
  const path = join(tempFolder(), name);
  await writeFile(path, text);
  await chmod(path, 0o700);
  return path;
}

describe("an engine that works", () => {
  test("answers, and ends when it is asked to", async () => {
    const engine = await start();
    expect(await engine.call("doctor", {})).toMatchObject({ cores: expect.any(Number) });
    expect(await engine.ping(AbortSignal.timeout(10_000))).toMatchObject({ pid: engine.pid });
    const cut = engine.call("doctor", {});
    const rejected = expect(cut).rejects.toMatchObject({ fault: "stopped" });
    await engine.stop();
    await rejected;
    expect(isAlive(engine.pid)).toBe(false);
    expect(await engine.ended).toBeNull();
    await expect(engine.call("doctor", {})).rejects.toMatchObject({ fault: "stopped" });
  });

  test("has the variables that it was given, and what it starts has them, too", async () => {
    const said: string[] = [];
    const echo = await program("echo.js", "console.error(process.env.A_KEY); process.exit(1);");
    const failed = start({
      cli: echo,
      environment: { A_KEY: "given" },
      onLine: (line) => said.push(line),
    });
    await expect(failed).rejects.toMatchObject({ fault: "died" });
    expect(said).toEqual(["given"]);
  });

  test("passes on what is wrong with a request", async () => {
    const engine = await start();
    const missing = engine.call("inspect", { model: "no-such-model", root: tempFolder() });
    await expect(missing).rejects.toMatchObject({ name: "DiscernError", code: "model-missing" });
    await engine.stop();
  });

  test("that is killed rejects what it was asked, and says how it ended", async () => {
    const root = tempFolder();
    await writeTinyModel(join(root, "model"));
    const engine = await start();
    const prompts = Array.from({ length: 400 }, (_, i) => `How do I kill process ${i}?`);
    const ask = { model: "model", root, prompts, maxNewTokens: 64 };
    let begun = false;
    const onProgress = () => {
      begun = true;
    };
    const work = engine.call("generate", ask, { onProgress });
    const rejected = expect(work).rejects.toMatchObject({ fault: "died", detail: "SIGKILL" });
    await until(() => begun);
    process.kill(engine.pid, "SIGKILL");
    await rejected;
    expect(await engine.ended).toMatchObject({ fault: "died", detail: "SIGKILL" });
  });

  test("ends with a window that is killed", async () => {
    const window = spawn(process.execPath, [join(import.meta.dirname, "windowChild.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.push(window.pid!);
    const [line] = (await once(createInterface(window.stdout), "line")) as [string];
    const pid = Number(line);
    running.push(pid);
    expect(isAlive(pid)).toBe(true);
    window.kill("SIGKILL");
    await until(() => !isAlive(pid));
  });

  test.skipIf(onWindows)("is found silent when it is halted, and back", async () => {
    const engine = await start();
    const news: string[] = [];
    const end = monitor({
      ask: engine.ping,
      work: () => "none",
      limit: () => 200,
      onChange: (each) => news.push(each),
    });
    process.kill(engine.pid, "SIGSTOP");
    await until(() => news.length === 1);
    process.kill(engine.pid, "SIGCONT");
    await until(() => news.length === 2);
    end();
    expect(news).toEqual(["unresponsive", "back"]);
    await engine.stop();
  });

  test.skipIf(onWindows)("is killed when it does not end by itself", async () => {
    const engine = await start();
    process.kill(engine.pid, "SIGSTOP");
    await engine.stop();
    expect(isAlive(engine.pid)).toBe(false);
  });
});

test.skipIf(onWindows)(
  "native libraries may print around what an engine and a Node.js say of themselves",
  async () => {
    const noisy = `#!/bin/sh
if [ "$1" = --version ]; then echo "libfoo: warning"; exec "${process.execPath}" --version; fi
printf 'W0101 {driver} '
exec "${process.execPath}" "$@"
`;
    const engine = await start({ node: await program("noisy", noisy) });
    expect(await engine.call("recipe", { name: "preset:demo", set: ["model=m"] })).toMatchObject({
      root: process.cwd(),
    });
    await engine.stop();
  },
);

describe("an engine that does not start", () => {
  test("because there is no such Node.js", async () => {
    const node = join(tempFolder(), "no-node");
    await expect(start({ node })).rejects.toMatchObject({ fault: "node-missing", detail: node });
  });

  test.skipIf(onWindows)("because the program is no Node.js, or too old a one", async () => {
    const other = await program("other", "#!/bin/sh\necho something else\n");
    await expect(start({ node: other })).rejects.toMatchObject({ fault: "not-node", detail: other });
    const old = await program("old", "#!/bin/sh\necho v18.20.1\n");
    await expect(start({ node: old })).rejects.toMatchObject({ fault: "node-too-old", detail: "v18.20.1" });
    const almost = await program("almost", "#!/bin/sh\necho v22.14.9\n");
    await expect(start({ node: almost })).rejects.toMatchObject({ fault: "node-too-old" });
  });

  test("because it is not there", async () => {
    const absent = join(tempFolder(), "cli.js");
    await expect(start({ cli: absent })).rejects.toMatchObject({ fault: "engine-missing", detail: absent });
  });

  test("because it dies at once: its last lines are told", async () => {
    const text = 'for (let i = 0; i < 60; i++) console.error("line", i);\nprocess.exitCode = 3;\n';
    const heard: string[] = [];
    const dies = start({ cli: await program("cli.cjs", text), onLine: (line) => heard.push(line) });
    const lines = Array.from({ length: 40 }, (_, i) => `line ${20 + i}`);
    await expect(dies).rejects.toMatchObject({ fault: "died", detail: "3", lines });
    expect(heard).toHaveLength(60);
  });

  test("because it says nothing that is known, and does not outlive that", async () => {
    const text = "console.log(process.pid);\nsetInterval(() => {}, 1000);\n";
    const heard: string[] = [];
    const onLine = (line: string) => heard.push(line);
    const silent = start({ cli: await program("cli.cjs", text), patience: 2_000, onLine });
    await expect(silent).rejects.toMatchObject({ fault: "silent", lines: [expect.stringMatching(/^\d+$/)] });
    expect(isAlive(Number(heard[0]))).toBe(false);
  });
});
