import { type Command, Option } from "commander";
import { nodesSchema } from "../../protocol/backend.ts";
import { describePython } from "../../protocol/python.ts";
import type { EnvironmentPlan, TorchBuild } from "../../protocol/torchInstall.ts";
import { byteSize } from "../../wording/numbers.ts";
import { joinTorch } from "../backend/open.ts";
import { makeEnvironment, planEnvironment } from "../python/environment.ts";
import { choosePython, findPythons } from "../python/find.ts";
import { stopOnSignals } from "../run/stop.ts";
import { positiveInteger, type Shell, say, sayAll, show } from "./shell.ts";

interface InstallFlags extends Shell {
  readonly cpu: boolean;
  readonly cuda: boolean;
  readonly rocm: boolean;
  readonly with?: string;
  readonly plan: boolean;
}

/** The PyTorch backend's Pythons: which there are, making one, and taking part in a run on several machines. */
export function addTorch(program: Command): void {
  const torch = program.command("torch").description("Pythons with PyTorch, for the backend torch");
  torch
    .command("list")
    .description("all Pythons of this machine, and what each can do or lacks")
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: Shell) => {
      const found = await findPythons({ root: process.cwd() });
      const none = "There is no Python here. Make one with PyTorch: discern torch install";
      show(flags, found, () =>
        found.length === 0 ? none : found.map((each) => describePython(each).join("\n  ")).join("\n"),
      );
    });
  torch
    .command("install")
    .description(
      "make a Python environment with PyTorch in Discern's cache, or complete one; the backend torch then finds it",
    )
    .addOption(new Option("--cpu", "PyTorch for CPUs").conflicts(["cuda", "rocm"]).default(false))
    .addOption(new Option("--cuda", "PyTorch for NVIDIA GPUs").conflicts(["cpu", "rocm"]).default(false))
    .addOption(new Option("--rocm", "PyTorch for AMD GPUs").conflicts(["cpu", "cuda"]).default(false))
    .option("--with <file>", "requirements file of further packages")
    .option("--plan", "say what would be installed, and install nothing", false)
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: InstallFlags) => {
      const build = (["cpu", "cuda", "rocm"] as const satisfies readonly TorchBuild[]).find(
        (each) => flags[each],
      );
      const plan = await planEnvironment({ build, further: flags.with });
      if (flags.plan) return show(flags, plan, () => describePlan(plan));
      sayAll(plan.notices);
      const python = await makeEnvironment(plan, {
        onLine: say,
        onWait: ({ pid, host }, lock) =>
          say(`Process ${pid} on ${host} makes it: waiting. If it is no longer running, delete ${lock}.`),
      });
      show(flags, { ...plan, python }, () => describePython(python).join("\n  "));
    });
  addJoin(torch);
}

interface JoinFlags {
  readonly nodes: number;
  readonly rank: number;
  readonly rendezvous: string;
  readonly id: string;
  readonly processes?: number;
  readonly threads?: number;
  readonly wait?: number;
  readonly python?: string;
}

function addJoin(torch: Command): void {
  torch
    .command("join")
    .description("take part, as one of several machines, in a run whose recipe has torch.nodes")
    .requiredOption("--nodes <count>", "machines, as torch.nodes.count", positiveInteger)
    .requiredOption(
      "--rank <number>",
      "which machine this is, from 1; 0 is the one that runs the recipe",
      positiveInteger,
    )
    .requiredOption("--rendezvous <host:port>", "where agents meet, as torch.nodes.rendezvous")
    .option("--id <name>", "as torch.nodes.id", "discern")
    .option("--processes <count>", "processes on this machine; one per GPU where left out", positiveInteger)
    .option("--threads <count>", "threads of each process on the CPU", positiveInteger)
    .option(
      "--wait <seconds>",
      "how long the other machines are waited for; 600 where left out",
      positiveInteger,
    )
    .option("--python <path>", "Python with PyTorch; the first one found where left out")
    .action(async ({ nodes: count, rank, rendezvous, id, wait, ...flags }: JoinFlags) => {
      const nodes = nodesSchema.parse({ count, rendezvous, id });
      // A batch system sends its signal to all machines: the first one has yet to save.
      const release = stopOnSignals((signal) =>
        say(`${signal}: this machine ends with the run on the first one. A second signal ends both at once.`),
      );
      try {
        const { executable, facts } = await choosePython({ named: flags.python, root: process.cwd() });
        const processes = flags.processes ?? Math.max(1, facts.accelerators.length);
        say(`Waiting for the other machines at ${rendezvous}: ${processes} processes of ${executable}.`);
        const { threads } = flags;
        await joinTorch({ python: executable, nodes, rank, processes, threads, seconds: wait, onLine: say });
      } finally {
        release();
      }
    });
}

/** What would be installed, in lines. */
function describePlan({
  build,
  folder,
  tool,
  base,
  packages,
  index,
  bytes,
  present,
  notices,
}: EnvironmentPlan): string {
  if (present) return `The environment is complete: ${folder}`;
  return [
    `PyTorch for ${build} into ${folder}, about ${byteSize(bytes)} with its downloads`,
    `by ${tool} on ${base ?? "a Python that uv fetches"}`,
    `${packages.join(", ")}${index === null ? "" : `, PyTorch from ${index}`}`,
    ...notices.map((notice) => `Warning: ${notice}`),
  ].join("\n");
}
