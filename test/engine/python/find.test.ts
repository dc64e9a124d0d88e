import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { choosePython, findPythons, pythonCandidates } from "../../../src/engine/python/find.ts";
import { isAtLeast, probePython } from "../../../src/engine/python/probe.ts";
import { describePython, isUsable } from "../../../src/protocol/python.ts";
import { skipWhen } from "../../skip.ts";
import { tempFolder } from "../../tempFolder.ts";
import { answering, fakePython, gpu } from "./fakePython.ts";

const windows = skipWhen(process.platform === "win32", "Pythons of shell scripts: this is Windows.");

describe.skipIf(windows)("Pythons of this machine", () => {
  let root: string;
  const at = (...parts: string[]) => join(root, ...parts);
  beforeEach(() => {
    root = tempFolder();
    for (const name of ["DISCERN_PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX"]) vi.stubEnv(name, "");
    vi.stubEnv("DISCERN_ENVIRONMENTS", at("made"));
    vi.stubEnv("PATH", `${at("path")}:/usr/bin:/bin`);
    return () => vi.unstubAllEnvs();
  });
  const mine = async (places = {}) =>
    (await pythonCandidates({ root, ...places })).filter(({ executable }) => executable.startsWith(root));

  it("are tried in one order, each once", async () => {
    vi.stubEnv("DISCERN_PYTHON", answering(at("set/python")));
    vi.stubEnv("VIRTUAL_ENV", at("virtual"));
    vi.stubEnv("CONDA_PREFIX", at("virtual"));
    answering(at("virtual/bin/python"));
    answering(at(".venv/bin/python"));
    answering(at("made/cpu/bin/python"));
    answering(at("uv/python"));
    fakePython(at("path/uv"), `echo '[{"path": "${at("uv/python")}"}, {"path": null}]'`);
    answering(at("path/python3"));
    answering(at("recipe/bin/python"));
    expect((await mine({ named: "recipe" })).map(({ origin, executable }) => [origin, executable])).toEqual([
      ["torch.python", at("recipe/bin/python")],
      ["DISCERN_PYTHON", at("set/python")],
      ["VIRTUAL_ENV", at("virtual/bin/python")],
      ["workspace", at(".venv/bin/python")],
      ["discern", at("made/cpu/bin/python")],
      ["uv", at("uv/python")],
      ["PATH", at("path/python3")],
    ]);
  });

  it("of one environment are one", async () => {
    answering(at(".venv/bin/python"), { prefix: at(".venv") });
    answering(at("path/python3"), { prefix: at(".venv") });
    const found = (await findPythons({ root })).filter(({ executable }) => executable.startsWith(root));
    expect(found.map(({ origin }) => origin)).toEqual(["workspace"]);
  });

  it("that lack something say what, with the command that fixes it", async () => {
    const packages = { torch: "2.4.1+cu121", transformers: null, safetensors: "0.8.0", numpy: "2.4.6" };
    const python = answering(at("python"), { packages, broken: {} });
    const found = await probePython({ origin: "PATH", executable: python });
    expect(isUsable(found)).toBe(false);
    expect(found.problems).toEqual([
      {
        what: "torch 2.4.1+cu121 is too old: 2.11 or later is needed.",
        fix: `"${python}" -m pip install --upgrade "torch>=2.11", or: discern torch install`,
      },
      {
        what: "transformers is not installed.",
        fix: `"${python}" -m pip install "transformers>=5.17", or: discern torch install`,
      },
    ]);
  });

  it("that are too old themselves are told nothing of packages", async () => {
    const python = answering(at("python"), { python: "3.8.18", packages: {} });
    const { problems } = await probePython({ origin: "PATH", executable: python });
    expect(problems.map(({ what }) => what)).toEqual([
      "Python 3.8.18 is too old: the PyTorch backend needs 3.10 or later.",
    ]);
  });

  it("whose PyTorch does not load say so", async () => {
    const python = answering(at("python"), { broken: { torch: "OSError: libcudart.so.13: cannot open" } });
    const { problems } = await probePython({ origin: "PATH", executable: python });
    expect(problems[0]!.what).toBe(
      "torch 2.15.0 cannot be imported (OSError: libcudart.so.13: cannot open).",
    );
  });

  it.each([
    ["do not answer in time", "sleep 60", 300, "It did not answer within 0.3 s."],
    [
      "do not start",
      "echo 'Fatal Python error: no codecs' >&2; exit 1",
      5_000,
      "It does not start (1): Fatal Python error: no codecs",
    ],
    ["answer something else", "echo '{}'", 5_000, "It does not start (0)."],
  ])("that %s are described, not thrown", async (_, script, limit, what) => {
    const found = await probePython({ origin: "PATH", executable: fakePython(at("python"), script) }, limit);
    expect(found.facts).toBeNull();
    expect(found.problems.map((problem) => problem.what)).toEqual([what]);
  });

  it("are chosen in that order, one with a GPU before one without", async () => {
    answering(at(".venv/bin/python"));
    answering(at("path/python3"), { accelerators: [gpu] });
    expect((await choosePython({ root }, "unused")).origin).toBe("workspace");
    expect((await choosePython({ root })).executable).toBe(at("path/python3"));
    expect((await choosePython({ root }, "required")).executable).toBe(at("path/python3"));
  });

  it("that a person named are taken or refused; no other is", async () => {
    answering(at(".venv/bin/python"));
    const other = answering(at("other/python"));
    expect((await choosePython({ root, named: "other/python" })).executable).toBe(other);
    await expect(choosePython({ root, named: "missing/python" })).rejects.toMatchObject({
      code: "python-unusable",
      message: expect.stringMatching(/missing\/python \(torch\.python\)\n.*no program of this name.*Fix: /),
    });
    await expect(choosePython({ root, named: "other/python" }, "required")).rejects.toMatchObject({
      code: "python-unusable",
      message: expect.stringContaining('device "cuda" needs one'),
    });
  });

  it("none of which will do are all named, with what would", async () => {
    answering(at("path/python3"), { packages: {} });
    await expect(choosePython({ root })).rejects.toMatchObject({
      code: "python-unusable",
      message: expect.stringMatching(
        /discern torch install\.[\s\S]*path\/python3 \(PATH\)[\s\S]*torch is not installed/,
      ),
    });
  });

  it("that were repaired are asked again", async () => {
    const python = at("python");
    answering(python, { packages: {} });
    await expect(choosePython({ named: python, root })).rejects.toThrow("torch is not installed");
    answering(python);
    expect((await choosePython({ named: python, root })).executable).toBe(python);
  });

  it("are described in lines", async () => {
    answering(at("python"), { accelerators: [gpu], toolkit: "CUDA 13.2", cpu: { bf16: true, amx: true } });
    expect(describePython(await probePython({ origin: "PATH", executable: at("python") }))).toEqual([
      `${at("python")} (PATH): Python 3.12.1, torch 2.15.0, transformers 5.24.0, safetensors 0.8.0, numpy 2.4.6, CUDA 13.2`,
      "NVIDIA H100 (80.0 GB, bf16); CPU with bf16 and AMX",
    ]);
  });
});

const real = process.env.DISCERN_PYTHON;
const missing = skipWhen(!real, "what a real Python answers: DISCERN_PYTHON names none.");

describe.skipIf(missing)("a Python with PyTorch", () => {
  it("is usable and says what it has", async () => {
    const found = await probePython({ origin: "DISCERN_PYTHON", executable: real! });
    expect(found.problems).toEqual([]);
    expect(isUsable(found) && found.facts.packages.torch).toMatch(/^\d+\.\d+/);
    expect(isUsable(found) && found.facts.distributed).toContain("gloo");
  });
});

describe("versions", () => {
  it.each([
    ["2.15.0+cu132", "2.11", true],
    ["2.11.0", "2.11", true],
    ["2.9.1", "2.11", false],
    ["3.0", "2.11", true],
    ["2.11.0a0", "2.11", true],
    ["5", "5.17", false],
  ])("%s is at least %s: %s", (version, least, expected) => expect(isAtLeast(version, least)).toBe(expected));
});
