import type { Command } from "commander";
import { resolveModel } from "../../modelsHome/home.ts";
import { byteSize, parameterCount } from "../../wording/numbers.ts";
import { deviceProblem, doctor, type Tried } from "../abilities/doctor.ts";
import { pullModel } from "../model/download/pull.ts";
import { inspectModel } from "../model/load.ts";
import { progressBar, type Shell, say, show } from "./shell.ts";

export function addPull(program: Command): void {
  program
    .command("pull")
    .argument("<name>", "smollm2-135m, or owner/name of the hub")
    .description("fetch a model into the models home")
    .option("--json", "one JSON document on stdout", false)
    .action(async (name: string, flags: Shell) => {
      const bar = progressBar(`Fetching ${name}`);
      const pulled = await pullModel(name, {
        onProgress: ({ done, total }) => total && bar(done, total),
        onWait: ({ pid, host }, lock) =>
          say(
            `Process ${pid} on ${host} fetches ${name}: waiting for it. If it has long ended, delete ${lock}.`,
          ),
      });
      if (pulled.from === "present") say(`${name} is here already.`);
      show(flags, pulled, () => pulled.path);
    });
}

export function addInspect(program: Command): void {
  program
    .command("inspect")
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .description("describe a model without reading its weights")
    .option("--json", "one JSON document on stdout", false)
    .action(async (name: string, flags: Shell) => {
      const summary = await inspectModel(await resolveModel(name, [process.cwd()]));
      const { architecture, tokenizer } = summary;
      show(flags, summary, () =>
        [
          `${summary.name} (${summary.format}, ${byteSize(summary.bytes)}) at ${summary.path}`,
          `${architecture.family}: ${architecture.layers} layers of ${architecture.hiddenSize}, ` +
            `${parameterCount(summary.parameters)} parameters, context ${architecture.contextLength}`,
          `stored as ${Object.entries(summary.dtypes)
            .map(([type, count]) => `${count} × ${type}`)
            .join(", ")}`,
          tokenizer
            ? `tokenizer of ${tokenizer.vocabSize}, ends answers with ${tokenizer.eos.join(" ")}, template ${tokenizer.template}`
            : `no tokenizer: ${summary.tokenizerProblem}`,
          ...summary.warnings.map((message) => `Warning: ${message}`),
        ].join("\n"),
      );
    });
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("devices, versions, memory and models of this machine")
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: Shell) => {
      const health = await doctor([process.execPath, process.argv[1]!, "try-device"]);
      show(flags, health, () =>
        [
          Object.entries(health.versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(" · "),
          `${health.platform}, ${health.cores} cores, ${byteSize(health.memory.free)} of ${byteSize(health.memory.total)} free`,
          ...health.devices.map(({ name, problem }) => `${name.padEnd(7)} ${problem ?? "starts"}`),
          `models in ${health.models.home}: ${health.models.found.join(", ") || "none; fetch one by: discern pull smollm2-135m"}`,
        ].join("\n"),
      );
    });
}

/** What doctor calls for each device, in a process of its own. */
export function addTryDevice(program: Command): void {
  program
    .command("try-device", { hidden: true })
    .argument("<device>")
    .action(async (name: "cpu" | "webgpu" | "cuda") => {
      const tried: Tried = { problem: await deviceProblem(name) };
      if (process.send) process.send(tried, () => process.disconnect());
      else process.stdout.write(`${JSON.stringify(tried)}\n`);
    });
}
