import { type Command, Option } from "commander";
import { describePython } from "../../protocol/python.ts";
import type { EnvironmentPlan, TorchBuild } from "../../protocol/torchInstall.ts";
import { byteSize } from "../../wording/numbers.ts";
import { makeEnvironment, planEnvironment } from "../python/environment.ts";
import { findPythons } from "../python/find.ts";
import { type Shell, say, sayAll, show } from "./shell.ts";

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
