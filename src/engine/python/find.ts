import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { describePython, isUsable, type PythonHealth, type UsablePython } from "../../protocol/python.ts";
import { withHome } from "../../storage/homeFolder.ts";
import { installCommand, type PythonCandidate, probePython } from "./probe.ts";

/** Where Pythons are looked for. */
export interface PythonPlaces {
  /** The one that the recipe names (`torch.python`): a program, or the folder of an environment. */
  readonly named?: string | undefined;
  /** The workspace: its environment (`.venv`, `venv`) is looked at, and relative names are resolved against it. */
  readonly root?: string | undefined;
}

/** Where environments that Discern makes lie: `DISCERN_ENVIRONMENTS`, or `~/.cache/discern/python`. */
export function environmentsHome(): string {
  const named = process.env.DISCERN_ENVIRONMENTS;
  return named ? resolve(named) : join(homedir(), ".cache", "discern", "python");
}

/** The Python of a virtual environment's folder. */
export function pythonIn(environment: string): string {
  return process.platform === "win32"
    ? join(environment, "Scripts", "python.exe")
    : join(environment, "bin", "python");
}

/** The Pythons that may be there, in the order in which they are tried, each once. */
export async function pythonCandidates({ named, root }: PythonPlaces): Promise<PythonCandidate[]> {
  const { DISCERN_PYTHON: set, VIRTUAL_ENV: virtual, CONDA_PREFIX: conda } = process.env;
  const all: PythonCandidate[] = [];
  const add = (origin: PythonCandidate["origin"], ...executables: (string | undefined)[]) => {
    for (const executable of executables) if (executable) all.push({ origin, executable });
  };
  add("torch.python", programOf(named, root));
  add("DISCERN_PYTHON", programOf(set, process.cwd()));
  add("VIRTUAL_ENV", virtual && pythonIn(virtual));
  add("CONDA_PREFIX", conda && (process.platform === "win32" ? join(conda, "python.exe") : pythonIn(conda)));
  if (root !== undefined) add("workspace", ...[".venv", "venv"].map((name) => pythonIn(join(root, name))));
  const home = environmentsHome();
  const made = await readdir(home).catch(() => []);
  add("discern", ...made.sort().map((name) => pythonIn(join(home, name))));
  add("uv", ...(await uvPythons()));
  add("PATH", ...onPath(["python3", "python"]));
  const isNamed = ({ origin }: PythonCandidate) => origin === "torch.python" || origin === "DISCERN_PYTHON";
  // One that a person named is examined in any case, so that its absence is reported.
  const there = all.filter((each) => isNamed(each) || existsSync(each.executable));
  return there.filter(({ executable }, i) => there.findIndex((one) => one.executable === executable) === i);
}

/**
 * All Pythons of this machine with what each can do or lacks, asked anew, in the order in which they are tried. Several
 * programs of one environment are one Python.
 */
export async function findPythons(places: PythonPlaces = {}): Promise<PythonHealth[]> {
  const candidates = await pythonCandidates(places);
  const found: PythonHealth[] = [];
  // A few at a time: importing PyTorch reads a gigabyte.
  for (let i = 0; i < candidates.length; i += 3)
    found.push(...(await Promise.all(candidates.slice(i, i + 3).map((each) => probePython(each)))));
  return found.filter(
    ({ facts }, i) => facts === null || found.findIndex((one) => one.facts?.prefix === facts.prefix) === i,
  );
}

/** Answers of Pythons of this process, by their program: importing PyTorch takes seconds. */
const known = new LRUCache<string, Promise<PythonHealth>>({ max: 50 });

function health(candidate: PythonCandidate): Promise<PythonHealth> {
  let answer = known.get(candidate.executable);
  if (!answer) {
    answer = probePython(candidate);
    known.set(candidate.executable, answer);
    // What lacks something may have been repaired when it is asked for the next time.
    void answer.then((found) => isUsable(found) || known.delete(candidate.executable));
  }
  return answer;
}

/**
 * The Python that models are computed with: the one that is named (`torch.python`, else `DISCERN_PYTHON`), else the first that
 * has all it takes; where a GPU is wanted the first that reaches one.
 *
 * @param gpu "required": one that reaches no GPU will not do. "preferred": any will, if none does.
 * @throws DiscernError("python-unusable") what each lacks, with the commands that would fix it.
 */
export async function choosePython(
  places: PythonPlaces,
  gpu: "required" | "preferred" | "unused" = "preferred",
): Promise<UsablePython> {
  const candidates = await pythonCandidates(places);
  const named = candidates.find(({ origin }) => origin === "torch.python" || origin === "DISCERN_PYTHON");
  const looked: PythonHealth[] = [];
  const usable: UsablePython[] = [];
  for (const candidate of named ? [named] : candidates) {
    const found = await health(candidate);
    looked.push(found);
    if (!isUsable(found)) continue;
    if (gpu === "unused" || found.facts.accelerators.length > 0) return found;
    usable.push(found);
  }
  if (gpu !== "required" && usable[0]) return usable[0];
  throw new DiscernError("python-unusable", refusal(looked, named !== undefined, usable.length > 0));
}

function refusal(looked: readonly PythonHealth[], named: boolean, onlyGpu: boolean): string {
  const list = looked.flatMap((python) => describePython(python)).map((line) => `\n  ${line}`);
  if (onlyGpu) {
    return `No Python reaches a GPU, and device "cuda" needs one. Install the driver of the card, or a PyTorch for it (${installCommand} --cuda), or choose another device.${list.join("")}`;
  }
  if (named) return `The Python that is named cannot compute models.${list.join("")}`;
  const none = "There is no Python with PyTorch and transformers on this machine.";
  return `${none} Make one with: ${installCommand}. Or name one of your own by DISCERN_PYTHON, the recipe's torch.python or the setting discern.torch.python.${list.join("")}`;
}

/** A program by its path, by its name on `PATH`, or the Python of an environment's folder. */
function programOf(name: string | undefined, root: string | undefined): string | undefined {
  if (!name) return undefined;
  const home = withHome(name);
  const path = resolve(root ?? process.cwd(), home);
  if (existsSync(pythonIn(path))) return pythonIn(path);
  const plain = !home.includes("/") && !home.includes("\\");
  return plain && !existsSync(path) ? (onPath([home])[0] ?? home) : path;
}

/** Programs on `PATH`, the first of each name. A relative entry would name a program of the folder someone stands in. */
export function onPath(names: readonly string[]): string[] {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(isAbsolute);
  const suffix = process.platform === "win32" ? ".exe" : "";
  return names.flatMap((name) => {
    const found = folders.map((folder) => join(folder, `${name}${suffix}`)).find((path) => existsSync(path));
    return found === undefined ? [] : [found];
  });
}

const uvListSchema = z.array(z.looseObject({ path: z.string().nullable() }));

/** Pythons that uv knows to be installed; none where there is no uv. Nothing is downloaded. */
async function uvPythons(): Promise<string[]> {
  const [uv] = onPath(["uv"]);
  if (uv === undefined) return [];
  const list = await execa(
    uv,
    ["python", "list", "--only-installed", "--offline", "--output-format", "json"],
    { reject: false, stdin: "ignore", timeout: 10_000 },
  );
  try {
    return uvListSchema.parse(JSON.parse(list.stdout)).flatMap(({ path }) => (path === null ? [] : [path]));
  } catch {
    return [];
  }
}
