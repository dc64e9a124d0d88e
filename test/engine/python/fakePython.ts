import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { PythonFacts } from "../../../src/protocol/python.ts";

/** What a Python answers that lacks nothing and reaches no GPU. */
export const complete: PythonFacts = {
  python: "3.12.1",
  executable: "/opt/python",
  prefix: "/opt",
  packages: { torch: "2.15.0", transformers: "5.24.0", safetensors: "0.8.0", numpy: "2.4.6", peft: null },
  broken: {},
  accelerators: [],
  acceleratorProblem: null,
  toolkit: null,
  cpu: { bf16: true, amx: false },
  distributed: ["gloo"],
  compiler: true,
};

/** A GPU of the usual kind. */
export const gpu = {
  kind: "cuda",
  name: "NVIDIA H100",
  memory: { total: 80e9, free: 79e9 },
  bf16: true,
} as const;

/** Writes a program that does in place of Python what the shell script says. */
export function fakePython(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Writes a program that gives the facts of a Python. */
export function answering(path: string, facts: Partial<PythonFacts> = {}): string {
  const answer = JSON.stringify({ ...complete, executable: path, prefix: dirname(path), ...facts });
  return fakePython(path, `echo "a library said hello"; cat <<'END'\n${answer}\nEND`);
}
