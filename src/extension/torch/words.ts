import { type EnvironmentPlan, environmentBytes, type TorchBuild } from "../../protocol/torchInstall.ts";
import { byteSize } from "../../wording/numbers.ts";

/** A build of PyTorch to choose, as a row of a list. */
export interface BuildItem {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly build: TorchBuild;
}

const titles: Readonly<Record<TorchBuild, string>> = {
  cpu: "CPU",
  cuda: "NVIDIA GPU (CUDA)",
  rocm: "AMD GPU (ROCm)",
};

/** The builds to choose from, the likely one of this machine first. */
export function buildItems(likely: TorchBuild): BuildItem[] {
  const builds = (["cpu", "cuda", "rocm"] as const).toSorted(
    (a, b) => Number(b === likely) - Number(a === likely),
  );
  return builds.map((build) => ({
    label: titles[build],
    description: build === likely ? "this machine" : "",
    detail: `About ${byteSize(environmentBytes[build])} with its downloads`,
    build,
  }));
}

/** What a person agrees to: what is installed, where, by what, and how much it is. */
export function describeEnvironment(plan: EnvironmentPlan): string {
  const { folder, tool, base, packages, index, bytes, notices } = plan;
  return [
    `Folder: ${folder}`,
    `Size: about ${byteSize(bytes)} with downloads`,
    `Made by ${tool} with ${base ?? "a Python that uv downloads"}`,
    `Packages: ${packages.join(", ")}`,
    ...(index === null ? [] : [`PyTorch from ${index}`]),
    ...notices,
  ].join("\n");
}

/** The setting `discern.torch.python` as the engine takes it; nothing where it is empty, so that a variable of the system stays. */
export function pythonVariable(python: string): Record<string, string> {
  return python.trim() === "" ? {} : { DISCERN_PYTHON: python.trim() };
}
