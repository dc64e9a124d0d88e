/**
 * The room of Pythons: which there are on this machine, what each can do or lacks, and how one is made that lacks nothing. It knows
 * nothing of models. A Python is asked in a child process (`probe.py`), whose answer is checked here, and judged against the oldest
 * versions with which the PyTorch backend was tested.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import {
  type PythonFacts,
  type PythonHealth,
  type PythonOrigin,
  pythonFactsSchema,
} from "../../protocol/python.ts";
import { ownGroup, signalGroup } from "./processGroup.ts";

/** A Python that may be there. */
export interface PythonCandidate {
  readonly origin: PythonOrigin;
  readonly executable: string;
}

/** The oldest versions that the tests of the PyTorch backend were run with. */
export const oldest: Readonly<Record<"python" | "torch" | "transformers" | "safetensors" | "numpy", string>> =
  {
    python: "3.10",
    torch: "2.11",
    transformers: "5.17",
    safetensors: "0.6",
    numpy: "2.0",
  };

/** Milliseconds for an answer: importing PyTorch from a cold network disk takes most of a minute. */
const patience = 90_000;

/** The command that makes an environment in which everything is right. */
export const installCommand = "discern torch install";

/** A file of this room: beside the bundle, or in the sources when run from them. */
export function shippedFile(name: string): string {
  const bundled = join(import.meta.dirname, "python", name);
  return existsSync(bundled) ? bundled : join(import.meta.dirname, name);
}

/**
 * What is set for every Python that Discern starts. The rest of the environment stays, since clusters make their PyTorch known by
 * it (`PYTHONPATH`, `LD_LIBRARY_PATH`).
 */
export const pythonEnvironment = { PYTHONUTF8: "1", PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" };

/**
 * Asks a Python what it has and can do, in a process that ends with the answer.
 *
 * @param limit milliseconds for the answer.
 */
export async function probePython(
  { origin, executable }: PythonCandidate,
  limit: number = patience,
): Promise<PythonHealth> {
  const found = { origin, executable };
  const child = execa(executable, [shippedFile("probe.py")], { ...ownGroup, env: pythonEnvironment });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signalGroup(child.pid, "SIGKILL");
  }, limit);
  const answer = await child;
  clearTimeout(timer);
  const facts = factsIn(answer.stdout);
  if (facts !== null) return { ...found, facts, problems: problemsOf(executable, facts) };
  const last = answer.stderr.trim().split("\n").at(-1);
  const what = late
    ? `It did not answer within ${limit / 1_000} s.`
    : answer.code === "ENOENT" || answer.code === "EACCES"
      ? "There is no program of this name that can be started."
      : `It does not start (${answer.signal ?? answer.exitCode ?? answer.code})${last ? `: ${last}` : "."}`;
  return {
    ...found,
    facts: null,
    problems: [{ what, fix: `name another one by DISCERN_PYTHON, or run: ${installCommand}` }],
  };
}

/** The facts in the last line of what was printed; null where there are none. */
function factsIn(printed: string): PythonFacts | null {
  try {
    return pythonFactsSchema.parse(JSON.parse(printed.trimEnd().split("\n").at(-1) ?? ""));
  } catch {
    return null;
  }
}

/** What a Python lacks to compute models with it, each with the command that fixes it. */
export function problemsOf(
  executable: string,
  { python, packages, broken }: PythonFacts,
): { what: string; fix: string }[] {
  if (!isAtLeast(python, oldest.python)) {
    return [
      {
        what: `Python ${python} is too old: the PyTorch backend needs ${oldest.python} or later.`,
        fix: installCommand,
      },
    ];
  }
  const problems: { what: string; fix: string }[] = [];
  for (const name of ["torch", "transformers", "safetensors", "numpy"] as const) {
    const version = packages[name] ?? null;
    const install = (spec: string) => `"${executable}" -m pip install ${spec}, or: ${installCommand}`;
    if (version === null) {
      problems.push({ what: `${name} is not installed.`, fix: install(`"${name}>=${oldest[name]}"`) });
    } else if (broken[name] !== undefined) {
      problems.push({
        what: `${name} ${version} cannot be imported (${broken[name]}).`,
        fix: install(`--force-reinstall ${name}`),
      });
    } else if (!isAtLeast(version, oldest[name])) {
      problems.push({
        what: `${name} ${version} is too old: ${oldest[name]} or later is needed.`,
        fix: install(`--upgrade "${name}>=${oldest[name]}"`),
      });
    }
  }
  return problems;
}

/** Whether a version such as 2.15.0+cu132 is at least 2.11. A pre-release counts as its release. */
export function isAtLeast(version: string, least: string): boolean {
  const numbers = (text: string) => text.split(/[.+]/).map((part) => Number.parseInt(part, 10));
  const [own, wanted] = [numbers(version), numbers(least)];
  for (const [i, need] of wanted.entries()) {
    const have = own[i] ?? 0;
    if (have !== need) return have > need;
  }
  return true;
}
