import type { Command } from "commander";
import { resolveModel } from "../../modelsHome/home.ts";
import { deviceState } from "../../protocol/device.ts";
import { byteSize, parameterCount } from "../../wording/numbers.ts";
import { doctor } from "../abilities/doctor.ts";
import { pullModel } from "../model/download/pull.ts";
import { inspectModel } from "../model/load.ts";
import { progressBar, type Shell, say, show } from "./shell.ts";

export function addPull(program: Command): void {
  program
    .command("pull")
    .argument("<name>", "smollm2-135m, or owner/name of the hub")
    .description("fetch a model into the models home")
    .option("--classifier", "a text classifier in ONNX, for a judge, instead of a model that answers", false)
    .option("--json", "one JSON document on stdout", false)
    .action(async (name: string, flags: Shell & { classifier: boolean }) => {
      const bar = progressBar(`Fetching ${name}`);
      const pulled = await pullModel(name, {
        kind: flags.classifier ? "classifier" : "decoder",
        onProgress: ({ done, total }) => total && bar(done, total),
        onWait: ({ pid, host }, lock) =>
          say(
            `Process ${pid} on ${host} fetches ${name}: waiting for it. If it is no longer running, delete ${lock}.`,
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
    .option(
      "--model <model>",
      "time a decoder block of this model; one of SmolLM2-135M's size where left out",
    )
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: Shell & { model?: string }) => {
      const health = await doctor({ model: flags.model });
      show(flags, health, () =>
        [
          Object.entries(health.versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(" · "),
          `${health.platform}, ${health.cores} cores, ${byteSize(health.memory.free)} of ${byteSize(health.memory.total)} free`,
          ...health.devices.map((device) => `${device.name.padEnd(7)} ${deviceState(device)}`),
          `auto    ${health.auto.device} for ${health.auto.model}: ${health.auto.reason}`,
          `models in ${health.models.home}: ${health.models.found.join(", ") || "none; fetch one with: discern pull smollm2-135m"}`,
        ].join("\n"),
      );
    });
}
