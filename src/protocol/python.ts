import * as z from "zod";
import { byteSize } from "../wording/numbers.ts";

/** Where a Python was found, in the order in which they are tried. */
export const pythonOrigins = [
  "torch.python",
  "DISCERN_PYTHON",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "workspace",
  "discern",
  "uv",
  "PATH",
] as const;
export type PythonOrigin = (typeof pythonOrigins)[number];

/** A GPU as PyTorch sees it. */
export const acceleratorSchema = z.object({
  kind: z.enum(["cuda", "rocm", "mps"]),
  name: z.string(),
  /** Bytes; null where PyTorch does not say. */
  memory: z.object({ total: z.number(), free: z.number().nullable() }),
  /** Whether it has bf16 arithmetic. */
  bf16: z.boolean(),
});
export type Accelerator = z.infer<typeof acceleratorSchema>;

/** What a Python says of itself: the answer of the probe (`engine/python/probe.py`). */
export const pythonFactsSchema = z.object({
  /** Version, as in 3.12.4. */
  python: z.string(),
  /** The program itself, with links as they are. */
  executable: z.string(),
  /** The environment: two programs of one prefix are one Python. */
  prefix: z.string(),
  /** Installed versions by package; null where it is not installed. */
  packages: z.record(z.string(), z.string().nullable()),
  /** Why a package that is installed cannot be imported, by package. */
  broken: z.record(z.string(), z.string()),
  accelerators: z.array(acceleratorSchema),
  /** Why PyTorch, built for a GPU, reaches none; null where there is nothing to say. */
  acceleratorProblem: z.string().nullable(),
  /** What the toolkit is that PyTorch was built for, such as "CUDA 13.2"; null for a build for CPUs. */
  toolkit: z.string().nullable(),
  cpu: z.object({ bf16: z.boolean(), amx: z.boolean() }),
  /** Collective back ends of torch.distributed. */
  distributed: z.array(z.enum(["gloo", "nccl"])),
  /** Whether torch.compile finds a C++ compiler. */
  compiler: z.boolean(),
});
export type PythonFacts = z.infer<typeof pythonFactsSchema>;

/** A Python of this machine, and whether models can be computed with it. */
export const pythonHealthSchema = z.object({
  origin: z.enum(pythonOrigins),
  /** The program, as it is started. */
  executable: z.string(),
  /** Null where it does not start. */
  facts: pythonFactsSchema.nullable(),
  /** What it lacks, each with the command that would fix it; usable where there is none. */
  problems: z.array(z.object({ what: z.string(), fix: z.string() })),
});
export type PythonHealth = z.infer<typeof pythonHealthSchema>;

/** A Python that can compute. */
export type UsablePython = PythonHealth & { readonly facts: PythonFacts };

/** Whether models can be computed with it. */
export function isUsable(python: PythonHealth): python is UsablePython {
  return python.facts !== null && python.problems.length === 0;
}

/** A Python and what it can do, or what it lacks, in words: a line, and a line for each problem. */
export function describePython({ origin, executable, facts, problems }: PythonHealth): string[] {
  const versions = facts === null ? "" : `: Python ${facts.python}${versionsOf(facts)}`;
  const can = facts !== null && problems.length === 0 ? [abilitiesOf(facts)] : [];
  const lacks = problems.map(({ what, fix }) => `${what} Fix: ${fix}`);
  const note = facts?.acceleratorProblem ? [`No GPU: ${facts.acceleratorProblem}`] : [];
  return [`${executable} (${origin})${versions}`, ...can, ...lacks, ...note];
}

function versionsOf({ packages, toolkit }: PythonFacts): string {
  const installed = Object.entries(packages).flatMap(([name, version]) =>
    version === null ? [] : [`${name} ${version}`],
  );
  return `${installed.map((each) => `, ${each}`).join("")}${toolkit === null ? "" : `, ${toolkit}`}`;
}

function abilitiesOf({ accelerators, cpu, compiler }: PythonFacts): string {
  const gpus = accelerators.map(
    ({ name, memory, bf16 }) => `${name} (${byteSize(memory.total)}${bf16 ? ", bf16" : ", no bf16"})`,
  );
  const units = [cpu.bf16 ? "bf16" : null, cpu.amx ? "AMX" : null].filter((unit) => unit !== null);
  const processor = units.length === 0 ? "CPU without bf16 units" : `CPU with ${units.join(" and ")}`;
  return [...gpus, processor, ...(compiler ? [] : ["no C++ compiler for torch.compile"])].join("; ");
}
