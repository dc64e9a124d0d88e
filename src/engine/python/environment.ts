import { existsSync } from "node:fs";
import { readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { isUsable, type UsablePython } from "../../protocol/python.ts";
import { type EnvironmentPlan, environmentBytes, type TorchBuild } from "../../protocol/torchInstall.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { byteSize } from "../../wording/numbers.ts";
import { takeTurn, type Waiting } from "../download/turn.ts";
import { environmentsHome, onPath, pythonIn } from "./find.ts";
import { configuredIndex } from "./pipIndex.ts";
import { isAtLeast, oldest, probePython, pythonEnvironment, shippedFile } from "./probe.ts";
import { ownGroup, signalGroup } from "./processGroup.ts";

/** What is asked for. */
export interface EnvironmentOptions {
  /** What PyTorch is to compute on; what this machine has, where left out. */
  readonly build?: TorchBuild | undefined;
  /** A requirements file of further packages. */
  readonly further?: string | undefined;
}

/** How the work is followed. */
export interface InstallProgress extends Waiting {
  /** Told what is done at present, one line for people. */
  readonly onLine?: (line: string) => void;
}

/** Versions of Python that are tried for an environment, the one with most packages first. */
const bases = ["python3.12", "python3.13", "python3.11", "python3.10", "python3", "python"];
/** The Python that uv fetches where there is none. */
const fetched = "3.12";
/** Lines of the installer that an error cites. */
const citedLines = 12;
/** Milliseconds that an index has to answer. */
const indexPatience = 8_000;

/** The file that says what was installed into an environment. Written last: an interrupted installation is resumed. */
const stampSchema = z.object({ packages: z.array(z.string()) });
const stampName = "discern.json";

/**
 * PyTorch's own indexes of builds that the usual index does not have: for Linux that one has builds for CUDA, for Windows and
 * macOS builds for CPUs (and Apple's GPUs).
 */
function indexOf(build: TorchBuild): string | null {
  const at = (name: string) => `https://download.pytorch.org/whl/${name}`;
  if (process.platform === "linux") return { cpu: at("cpu"), cuda: null, rocm: at("rocm7.2") }[build];
  return process.platform === "win32" && build === "cuda" ? at("cu132") : null;
}

/** What this machine computes on, by its device files. */
export function likelyBuild(dev = "/dev"): TorchBuild {
  if (process.platform === "win32") return onPath(["nvidia-smi"]).length > 0 ? "cuda" : "cpu";
  if (process.platform !== "linux") return "cpu";
  if (existsSync(join(dev, "nvidia0")) || existsSync(join(dev, "dxg"))) return "cuda";
  return existsSync(join(dev, "kfd")) ? "rocm" : "cpu";
}

/**
 * What would be installed, where, by what. Nothing is changed.
 *
 * @throws DiscernError("environment-failed") where there is neither uv nor a Python that an environment can be made of, and for a
 *   build that does not exist for this system; "file-missing" for `further`.
 */
export async function planEnvironment({
  build = likelyBuild(),
  further,
}: EnvironmentOptions): Promise<EnvironmentPlan> {
  if (build === "rocm" && process.platform !== "linux")
    throw new DiscernError("environment-failed", "There is a PyTorch for ROCm on Linux only. Choose --cpu.");
  const folder = join(environmentsHome(), build);
  const packages = await requirements(further);
  const present = await isComplete(folder, packages);
  const [uv] = onPath(["uv"]);
  const base = present ? pythonIn(folder) : await basePython(uv !== undefined);
  const notices: string[] = [];
  let index = indexOf(build);
  let bytes = environmentBytes[build];
  if (index !== null && !present && !(await answers(index))) {
    const instead = process.platform === "linux" ? "PyTorch for CUDA" : "PyTorch for CPUs";
    notices.push(
      `${index} does not answer: ${instead} is installed from the usual package index instead, which computes on the CPU as well.`,
    );
    if (build === "rocm")
      throw new DiscernError("environment-failed", `${index}, which has PyTorch for ROCm, does not answer.`);
    index = null;
    bytes = Math.max(bytes, environmentBytes.cuda);
  }
  return {
    build,
    folder,
    tool: uv === undefined ? "pip" : "uv",
    base,
    packages,
    index,
    bytes,
    present,
    notices,
  };
}

/**
 * Makes the environment of a plan, or completes one that was cut off. What another process makes already is waited for.
 *
 * @returns its Python, which was asked whether it lacks nothing.
 * @throws DiscernError("environment-failed") with what the installer said last; "disk-full" before anything is written, where the
 *   space does not suffice; the signal's reason.
 */
export async function makeEnvironment(
  plan: EnvironmentPlan,
  progress: InstallProgress = {},
): Promise<UsablePython> {
  const { onLine = () => undefined, signal } = progress;
  const release = await takeTurn(plan.folder, "DISCERN_ENVIRONMENTS", progress);
  try {
    if (!(await isComplete(plan.folder, plan.packages))) {
      await refuseFullDisk(plan);
      const install = new Installer(plan, onLine, signal);
      onLine(`Making a virtual environment in ${plan.folder}`);
      await install.environment();
      onLine(`Installing ${plan.packages.join(", ")}`);
      await install.packages();
    }
    onLine("Checking what it can do");
    const found = await probePython({ origin: "discern", executable: pythonIn(plan.folder) });
    if (!isUsable(found)) {
      const what = found.problems.map((problem) => problem.what).join(" ");
      throw new DiscernError(
        "environment-failed",
        `The environment in ${plan.folder} was made, but cannot be used. ${what} Delete the folder and try again.`,
      );
    }
    await writeAtomic(join(plan.folder, stampName), `${JSON.stringify({ packages: plan.packages })}\n`);
    return found;
  } finally {
    await release();
  }
}

/** Runs the programs that make an environment. */
class Installer {
  private readonly plan: EnvironmentPlan;
  private readonly onLine: (line: string) => void;
  private readonly signal: AbortSignal | undefined;

  constructor(plan: EnvironmentPlan, onLine: (line: string) => void, signal: AbortSignal | undefined) {
    this.plan = plan;
    this.onLine = onLine;
    this.signal = signal;
  }

  /** Makes the virtual environment where it is not there, or does not start. */
  async environment(): Promise<void> {
    const { folder, base, tool } = this.plan;
    const python = pythonIn(folder);
    if (existsSync(python) && (await versionOf(python)) !== null) return;
    // The lock lies beside the folder; what is left of an environment that does not start is of no use.
    await rm(folder, { recursive: true, force: true });
    if (tool === "uv") await this.run(onPath(["uv"])[0]!, ["venv", "--python", base ?? fetched, folder]);
    else await this.run(base!, ["-m", "venv", folder]);
  }

  /** Installs the packages. What is there already is kept. */
  async packages(): Promise<void> {
    const { folder, tool, packages, index } = this.plan;
    const python = pythonIn(folder);
    const more = index === null ? [] : ["--extra-index-url", index];
    if (tool === "uv") {
      // As pip chooses: the best version of all indexes, so that PyTorch's own build is taken.
      const best = index === null ? [] : ["--index-strategy", "unsafe-best-match"];
      await this.run(onPath(["uv"])[0]!, [
        "pip",
        "install",
        "--python",
        python,
        ...more,
        ...best,
        ...packages,
      ]);
    } else {
      const quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
      await this.run(python, ["-m", "pip", "install", ...quiet, ...more, ...packages]);
    }
  }

  /** @throws DiscernError with the last lines of a program that fails. */
  private async run(program: string, args: readonly string[]): Promise<void> {
    this.signal?.throwIfAborted();
    const child = execa(program, [...args], {
      ...ownGroup,
      all: true,
      buffer: false,
      env: { ...pythonEnvironment, ...(await indexForUv(this.plan.tool)) },
    });
    const stop = () => signalGroup(child.pid, "SIGTERM");
    this.signal?.addEventListener("abort", stop);
    const lines: string[] = [];
    try {
      for await (const each of child.iterable({ from: "all" })) {
        const line = String(each).trimEnd();
        if (line === "") continue;
        lines.push(line);
        if (lines.length > citedLines) lines.shift();
        this.onLine(line);
      }
    } catch {
      // How the program ended says more.
    }
    const { exitCode, signal, code, shortMessage } = await child;
    this.signal?.removeEventListener("abort", stop);
    this.signal?.throwIfAborted();
    if (exitCode === 0) return;
    const how = code === undefined ? (signal ?? `exit code ${exitCode}`) : shortMessage;
    throw new DiscernError(
      "environment-failed",
      `${program} ${args[0] === "-m" ? args[1] : args[0]} failed (${how}). ${adviceOn(lines)}` +
        ` The same command goes on where it stopped. It said last:\n${lines.join("\n")}`,
    );
  }
}

/** What can be done about what an installer says. */
function adviceOn(lines: readonly string[]): string {
  const said = lines.join("\n");
  if (/No space left|ENOSPC|os error 28/i.test(said)) return "The disk is full: free some space.";
  if (/ensurepip|python3-venv/.test(said))
    return "Install the venv module of this Python (on Debian: apt install python3-venv).";
  if (/No matching distribution|no version of|not found in the package registry|unsatisfiable/i.test(said))
    return "The package index lacks a package for this Python: use Python 3.12, or name another index in PIP_INDEX_URL.";
  if (/connect|timed out|resolve|network|SSL|certificate|Temporary failure/i.test(said))
    return "The package index could not be reached: check the network, or name a mirror in PIP_INDEX_URL.";
  return "";
}

/** uv does not read pip's configuration: it is told of the index that pip would use, which may be a laboratory's mirror. */
async function indexForUv(tool: EnvironmentPlan["tool"]): Promise<Record<string, string>> {
  const own = ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX"].some((name) => process.env[name]);
  return tool === "uv" && !own ? { UV_DEFAULT_INDEX: await configuredIndex() } : {};
}

/** Lines of requirements, without comments: those of the backend, then further ones. */
async function requirements(further: string | undefined): Promise<string[]> {
  const files = [shippedFile("requirements.txt"), ...(further === undefined ? [] : [further])];
  const lines: string[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch((cause: Error) => {
      throw new DiscernError("file-missing", `${file} cannot be read (${cause.message}).`, { cause });
    });
    for (const line of text.split(/\r?\n/)) lines.push(line.replace(/(^|\s)#.*/, "").trim());
  }
  return [...new Set(lines.filter((line) => line !== ""))];
}

/** Whether an environment has all of these packages. */
async function isComplete(folder: string, packages: readonly string[]): Promise<boolean> {
  try {
    const stamp = stampSchema.parse(JSON.parse(await readFile(join(folder, stampName), "utf8")));
    return existsSync(pythonIn(folder)) && packages.every((each) => stamp.packages.includes(each));
  } catch {
    return false;
  }
}

/** @throws DiscernError where no Python of this machine will do and uv is not there to fetch one. */
async function basePython(uv: boolean): Promise<string | null> {
  const found: string[] = [];
  for (const program of onPath(bases)) {
    const version = await versionOf(program, uv ? "" : ", venv, ensurepip");
    if (version !== null && isAtLeast(version, oldest.python)) return program;
    found.push(`${program} (${version ?? "does not start, or has no venv module"})`);
  }
  if (uv) return null;
  throw new DiscernError(
    "environment-failed",
    `There is no Python ${oldest.python} or later with its venv module on PATH, nor uv. Install one (on Debian: apt install python3-venv), ` +
      `or uv (https://docs.astral.sh/uv), which fetches its own.${found.length > 0 ? ` Found: ${found.join(", ")}.` : ""}`,
  );
}

/** The version of a Python, as in 3.12; null where it does not start or lacks a module. */
async function versionOf(program: string, modules = ""): Promise<string | null> {
  const code = `import sys${modules}; print("%d.%d" % sys.version_info[:2])`;
  const { exitCode, stdout } = await execa(program, ["-I", "-c", code], {
    reject: false,
    stdin: "ignore",
    timeout: 20_000,
  });
  return exitCode === 0 ? stdout.trim() : null;
}

async function answers(index: string): Promise<boolean> {
  try {
    const response = await fetch(`${index}/torch/`, {
      method: "HEAD",
      signal: AbortSignal.timeout(indexPatience),
    });
    return response.ok;
  } catch {
    return false;
  }
}

async function refuseFullDisk({ folder, bytes }: EnvironmentPlan): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new DiscernError(
    "disk-full",
    `The environment takes about ${byteSize(bytes)} with its downloads, and ${byteSize(free)} are free at ${folder}. ` +
      "Free some space, or name a folder on another disk in DISCERN_ENVIRONMENTS.",
  );
}
