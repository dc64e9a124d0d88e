import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { doctor } from "../../src/engine/abilities/doctor.ts";
import type { PythonHealth } from "../../src/protocol/python.ts";
import { tempFolder } from "../tempFolder.ts";

/** What a process does that stands in for one that tries a device, and what doctor makes of it. */
const says = "process.send({ problem: null })";
const cases: Record<string, [script: string, problem: string | RegExp | null]> = {
  "a driver that prints before the answer": [`print("libEGL warning: 1\\n"); ${says}`, null],
  "a driver that prints after the answer": [`${says}; print("bye\\n")`, null],
  "a driver that ends no line": [`print("W0101 "); ${says}; print("{}")`, null],
  "a driver that prints what looks like an answer": [`print('{"problem":"x"}\\n"problem"'); ${says}`, null],
  "a driver that prints a megabyte": [`print("x".repeat(1 << 20)); ${says}`, null],
  "a process that does not end after its answer": [`${says}; setInterval(() => {}, 1000)`, null],
  "a device that does not start": ['print("noise"); process.send({ problem: "install it" })', "install it"],
  "messages of another kind": [`process.send("noise"); process.send({ other: 1 }); ${says}`, null],
  "a process that is killed": ['process.kill(process.pid, "SIGSEGV")', /ended its process \(SIGSEGV\)/],
  "a process that ends without a word": ["process.exit(3)", /ended its process \(exit code 3\)\.$/],
  "a process that ends with words": [
    'console.error("first"); console.error("no driver"); process.exit(3)',
    /ended its process \(exit code 3\): no driver$/,
  ],
};

/** A machine without a Python. */
const pythons = async () => [];

test.each(Object.entries(cases))("%s", async (_, [script, problem]) => {
  const stub = join(tempFolder(), "stub.cjs");
  await writeFile(stub, `const print = (text) => require("node:fs").writeSync(1, text);\n${script};\n`);
  const { devices, auto } = await doctor({ trial: [process.execPath, stub], pythons });
  expect(devices.map(({ name }) => name)).toEqual(["cpu", "webgpu"]);
  expect(auto).toMatchObject({ device: "cpu", model: "SmolLM2-135M" });
  for (const device of devices) {
    expect(device.starts).toBe(problem === null);
    if (problem instanceof RegExp) expect(device.problem).toMatch(problem);
    else expect(device.problem).toBe(problem);
  }
});

test("a program that is not there", async () => {
  const { devices } = await doctor({ trial: [join(tempFolder(), "none")], pythons });
  expect(devices[0]!.problem).toMatch(/ended its process .*ENOENT/);
});

test("lists Pythons, the processor, and what auto stands for at common sizes, and why", async () => {
  const stub = join(tempFolder(), "stub.cjs");
  await writeFile(stub, `${says};\n`);
  const lacking: PythonHealth = {
    ...{ origin: "PATH", executable: "/usr/bin/python3", facts: null },
    problems: [{ what: "It has no torch.", fix: "discern torch install" }],
  };
  const health = await doctor({ trial: [process.execPath, stub], pythons: async () => [lacking] });
  expect(health.pythons).toEqual([lacking]);
  expect(health.processor.model).toEqual(expect.any(String));
  expect(health.choices.map(({ model, device }) => [model, device])).toEqual([
    ["a 1.5 B model", "cpu"],
    ["an 8 B model", "cpu"],
  ]);
  for (const { backend, reason } of [health.auto, ...health.choices]) {
    expect(backend).toBe("onnx");
    // On a processor without bfloat16 and without a GPU no Python is asked.
    expect(reason).toMatch(/torch was not considered: (no Python of this machine|no GPU is in reach)/);
  }
  expect(health.choices[1]!.reason).toMatch(/webgpu was not considered: /);
});
