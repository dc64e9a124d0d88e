import { describe, expect, it } from "vitest";
import { buildItems, describeEnvironment, pythonVariable } from "../../../src/extension/torch/words.ts";

describe("what a person agrees to before an environment is made", () => {
  const plan = {
    build: "rocm",
    folder: "/home/a/.cache/discern/python/rocm",
    tool: "uv",
    base: null,
    packages: ["torch==2.15.0", "numpy==2.4.6"],
    index: "https://download.pytorch.org/whl/rocm7.2",
    bytes: 20e9,
    present: false,
    notices: ["Something is to be known."],
  } as const;

  it("is every step: folder, size, tool, packages, index", () => {
    expect(describeEnvironment({ ...plan, packages: [...plan.packages], notices: [...plan.notices] })).toBe(
      [
        "Folder: /home/a/.cache/discern/python/rocm",
        "Size: about 20.0 GB with downloads",
        "Made by uv with a Python that uv downloads",
        "Packages: torch==2.15.0, numpy==2.4.6",
        "PyTorch from https://download.pytorch.org/whl/rocm7.2",
        "Something is to be known.",
      ].join("\n"),
    );
  });

  it("is chosen from all builds, this machine's first", () => {
    const items = buildItems("cuda");
    expect(items.map(({ build }) => build)).toEqual(["cuda", "cpu", "rocm"]);
    expect(items.map(({ description }) => description)).toEqual(["this machine", "", ""]);
  });
});

describe("the setting of a Python", () => {
  it("is a variable of the engine, unless it is empty", () => {
    expect(pythonVariable(" /opt/python ")).toEqual({ DISCERN_PYTHON: "/opt/python" });
    expect(pythonVariable("")).toEqual({});
  });
});
