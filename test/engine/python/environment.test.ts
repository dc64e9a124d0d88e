import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { workbenchHandlers } from "../../../src/engine/commands/workbench.ts";
import { likelyBuild, makeEnvironment, planEnvironment } from "../../../src/engine/python/environment.ts";
import { choosePython } from "../../../src/engine/python/find.ts";
import { isLiving } from "../../living.ts";
import { skipWhen } from "../../skip.ts";
import { tempFolder } from "../../tempFolder.ts";
import { complete, fakePython } from "./fakePython.ts";

const windows = skipWhen(process.platform === "win32", "Environments of shell scripts: this is Windows.");

describe.skipIf(windows)("an environment with PyTorch", () => {
  let root: string;
  const at = (...parts: string[]) => join(root, ...parts);
  const log = () => (existsSync(at("log")) ? readFileSync(at("log"), "utf8").trim().split("\n") : []);
  beforeEach(() => {
    root = tempFolder();
    for (const name of ["DISCERN_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"]) vi.stubEnv(name, "");
    vi.stubEnv("DISCERN_ENVIRONMENTS", at("made"));
    vi.stubEnv("PATH", `${at("path")}:/usr/bin:/bin`);
    // The index of PyTorch's own builds answers; nothing is fetched from it.
    vi.stubGlobal("fetch", async () => new Response(null));
    return () => {
      vi.unstubAllEnvs();
      vi.unstubAllGlobals();
    };
  });

  /** A Python whose environments install by the shell script `pip`, and answer as one that is complete once it succeeded. */
  function basePython(pip: string): void {
    const facts = JSON.stringify({ ...complete, prefix: at("made/cpu") });
    writeFileSync(
      at("environment.sh"),
      `#!/bin/sh
case "$*" in
  "-I -c"*) echo 3.12;;
  "-m pip install"*) echo "pip $*" >> ${at("log")}; ${pip};;
  *probe.py) cat <<'END'
${facts}
END
esac
`,
    );
    fakePython(
      at("path/python3.12"),
      `case "$1 $2" in
  "-I -c") echo 3.12;;
  "-m venv") echo "venv $3" >> ${at("log")}; mkdir -p "$3/bin"; cp ${at("environment.sh")} "$3/bin/python"; chmod +x "$3/bin/python";;
esac`,
    );
  }
  const plan = () => planEnvironment({ build: "cpu" });

  it("is planned from exact versions, without touching anything", async () => {
    basePython("true");
    const { folder, tool, base, packages, present } = await plan();
    expect({ folder, tool, base, present }).toEqual({
      folder: at("made/cpu"),
      tool: "pip",
      base: at("path/python3.12"),
      present: false,
    });
    expect(packages.map((each) => each.split("==")[0])).toEqual([
      "torch",
      "transformers",
      "safetensors",
      "numpy",
    ]);
    expect(packages.every((each) => /^[a-z]+==\d+(\.\d+)+$/.test(each))).toBe(true);
    expect(existsSync(at("made"))).toBe(false);
  });

  it("is made once, and found from then on", async () => {
    basePython("echo Collecting torch");
    const lines: string[] = [];
    const python = await makeEnvironment(await plan(), { onLine: (line) => lines.push(line) });
    expect(python.executable).toBe(at("made/cpu/bin/python"));
    expect(lines).toContain("Collecting torch");
    expect((await plan()).present).toBe(true);
    await makeEnvironment(await plan());
    expect(log().map((line) => line.split(" ")[0])).toEqual(["venv", "pip"]);
    expect((await choosePython({})).origin).toBe("discern");
  });

  it("that was cut off goes on where it stopped", async () => {
    basePython(`test -e ${at("network")} || { echo "ERROR: Connection timed out" >&2; exit 1; }`);
    await expect(makeEnvironment(await plan())).rejects.toMatchObject({
      code: "environment-failed",
      message: expect.stringMatching(
        /pip failed \(exit code 1\).*could not be reached[\s\S]*Connection timed out/,
      ),
    });
    expect((await plan()).present).toBe(false);
    writeFileSync(at("network"), "");
    await makeEnvironment(await plan());
    expect(log().map((line) => line.split(" ")[0])).toEqual(["venv", "pip", "pip"]);
  });

  it("gets further packages of a file, also when it is there already", async () => {
    basePython("true");
    writeFileSync(at("more.txt"), "# For plots.\npeft==0.21.2  # adapters\n");
    await makeEnvironment(await plan());
    const further = await planEnvironment({ build: "cpu", further: at("more.txt") });
    expect(further.present).toBe(false);
    await makeEnvironment(further);
    expect(log().at(-1)).toMatch(/ peft==0\.21\.2$/);
    await expect(planEnvironment({ build: "cpu", further: at("none.txt") })).rejects.toMatchObject({
      code: "file-missing",
    });
  });

  it("is left off when that is asked for, with all that was started", async () => {
    basePython(`sleep 60 & echo $! > ${at("pid")}; echo started; wait`);
    const abort = new AbortController();
    const onLine = (line: string) => line === "started" && abort.abort();
    await expect(makeEnvironment(await plan(), { onLine, signal: abort.signal })).rejects.toThrow("aborted");
    await vi.waitFor(() => expect(isLiving(Number(readFileSync(at("pid"), "utf8")))).toBe(false));
  });

  it("that lacks something after all is not passed off as complete", async () => {
    basePython("true");
    const lacking = JSON.stringify({ ...complete, packages: {} });
    writeFileSync(
      at("environment.sh"),
      `#!/bin/sh\ncase "$*" in *probe.py) echo '${lacking}';; "-I -c"*) echo 3.12;; esac\n`,
    );
    await expect(makeEnvironment(await plan())).rejects.toMatchObject({
      code: "environment-failed",
      message: expect.stringContaining("torch is not installed."),
    });
    expect((await plan()).present).toBe(false);
  });

  it("is made by uv where that is there, on pip's index", async () => {
    basePython("true");
    vi.stubEnv("PIP_INDEX_URL", "https://mirror.example/simple");
    fakePython(
      at("path/uv"),
      `echo "uv $1 $2 $UV_DEFAULT_INDEX" >> ${at("log")}
case "$1" in
  python) echo '[]';;
  venv) mkdir -p "$4/bin"; cp ${at("environment.sh")} "$4/bin/python"; chmod +x "$4/bin/python";;
esac`,
    );
    expect((await plan()).tool).toBe("uv");
    await makeEnvironment(await plan());
    expect(log()).toEqual([
      "uv venv --python https://mirror.example/simple",
      "uv pip install https://mirror.example/simple",
    ]);
  });

  it("comes from the usual index where PyTorch's own does not answer, which is said", async () => {
    basePython("true");
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("fetch failed");
    });
    if (process.platform !== "linux") return;
    const { index, notices, bytes } = await plan();
    expect(index).toBeNull();
    expect(notices[0]).toMatch(/whl\/cpu does not answer: PyTorch for CUDA is installed/);
    expect(bytes).toBe(12e9);
    await expect(planEnvironment({ build: "rocm" })).rejects.toMatchObject({ code: "environment-failed" });
  });

  it("is planned and made for a workbench, which is told each line", async () => {
    basePython("echo Collecting torch");
    const handlers = workbenchHandlers(["discern"]);
    const titles: string[] = [];
    const asked = {
      progress: (title: string) => () => void titles.push(title),
      written: () => undefined,
      signal: new AbortController().signal,
    };
    expect(await handlers.planEnvironment!({ build: "cpu" }, asked)).toMatchObject({ present: false });
    expect(await handlers.makeEnvironment!({ build: "cpu" }, asked)).toEqual({
      folder: at("made/cpu"),
      python: at("made/cpu/bin/python"),
    });
    expect(titles).toContain("Collecting torch");
  });

  it("needs a Python with venv, or uv", async () => {
    fakePython(at("path/python3.12"), "exit 1");
    vi.stubEnv("PATH", at("path"));
    await expect(plan()).rejects.toMatchObject({
      code: "environment-failed",
      message: expect.stringMatching(/Install one.*or uv.*Found: .*python3\.12/),
    });
  });
});

describe("what a machine computes on", () => {
  it.skipIf(process.platform !== "linux").each([
    ["nvidia0", "cuda"],
    ["kfd", "rocm"],
    ["null", "cpu"],
  ])("is told by its device files: %s", (file, build) => {
    const dev = tempFolder();
    writeFileSync(join(dev, file), "");
    expect(likelyBuild(dev)).toBe(build);
  });
});
