import type { Command } from "commander";
import { modelsHome, resolveModel } from "../../modelsHome/home.ts";
import { hubCacheHome } from "../../modelsHome/hubHome.ts";
import { type ListedModel, listedModels } from "../../modelsHome/listed.ts";
import { deviceState } from "../../protocol/device.ts";
import { describePython } from "../../protocol/python.ts";
import { availableMemory } from "../../recipe/availableMemory.ts";
import { fitWords, suggestedFits } from "../../recipe/suggestedFits.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { byteSize, parameterCount } from "../../wording/numbers.ts";
import { doctor } from "../abilities/doctor.ts";
import { inspectPlans } from "../abilities/inspectPlans.ts";
import { pullModel } from "../model/download/pull.ts";
import { inspectModel } from "../model/load.ts";
import { progressBar, type Shell, say, show } from "./shell.ts";

export function addPull(program: Command): void {
  program
    .command("pull")
    .argument(
      "[name]",
      "a short name, or owner/name[@revision] or owner/name/FILE.gguf of the hub; models to choose from where left out",
    )
    .description("fetch a model into the Hugging Face cache")
    .option(
      "--update",
      "ask the hub for the newest commit of the branch, also where the model is here",
      false,
    )
    .option("--classifier", "a text classifier in ONNX, for a judge, instead of a model that answers", false)
    .option("--json", "one JSON document on stdout", false)
    .action(async (name: string | undefined, flags: Shell & { classifier: boolean; update: boolean }) => {
      if (name === undefined) {
        const { bytes } = await availableMemory();
        show(flags, suggestedFits(bytes), () => suggestionTable(bytes));
        return;
      }
      const bar = progressBar(`Fetching ${name}`);
      const pulled = await pullModel(name, {
        kind: flags.classifier ? "classifier" : "decoder",
        update: flags.update,
        onProgress: ({ done, total }) => total && bar(done, total),
        onWait: ({ pid, host }, lock) =>
          say(
            `Process ${pid} on ${host} fetches ${name}: waiting for it. If it is no longer running, delete ${lock}.`,
          ),
      });
      if (pulled.from === "present") say(`${name} is here already.`);
      if (pulled.note !== undefined) say(pulled.note);
      show(flags, pulled, () => pulled.path);
    });
}

/** Models to choose from, with what fits into memory. @param available bytes of it. */
function suggestionTable(available: number): string {
  return [
    ...columns([
      ["NAME", "PARAMETERS", "DOWNLOAD", "SCORING", "LORA TRAINING", "LICENCE", "ON THE HUB"],
      ...suggestedFits(available).map((row) => [
        row.name,
        parameterCount(row.parameters),
        byteSize(row.bytes),
        fitWords(row.scoring),
        fitWords(row.training),
        `${row.licence}${row.gated ? ", gated" : ""}`,
        row.hub,
      ]),
    ]),
    `Scoring and LoRA training by the default recipe: memory on the CPU, planned for the ${byteSize(available)} that is available now.`,
    "Fetch one: discern pull NAME; or any other of the hub: discern pull owner/name.",
  ].join("\n");
}

export function addModels(program: Command): void {
  program
    .command("models")
    .description("list the models of this machine: those of the models home and of the Hugging Face cache")
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: Shell) => {
      const models = await listedModels();
      const { bytes } = await availableMemory();
      show(flags, models, () => modelTable(models, bytes));
    });
}

/** The models of this machine; where there are none, those to choose from. @param available bytes of memory. */
function modelTable(models: readonly ListedModel[], available: number): string {
  if (models.length === 0) {
    return [
      `No models in ${modelsHome()} or ${hubCacheHome()}. Models to begin with:`,
      suggestionTable(available),
    ].join("\n");
  }
  return columns([
    ["NAME", "SIZE", "PLACE", ""],
    ...models.map(({ name, kind, bytes, place, problem }) => [
      name,
      byteSize(bytes),
      place,
      problem ?? (kind === "adapter" ? "adapter" : ""),
    ]),
  ]).join("\n");
}

/** Lines with their cells below each other. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => greatestOf(rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}

export function addInspect(program: Command): void {
  program
    .command("inspect")
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .description("describe a model without reading its weights")
    .option(
      "--plan",
      "also what training it takes in memory, for each way of holding it, and how its weights are held and multiplied",
      false,
    )
    .option("--json", "one JSON document on stdout", false)
    .action(async (name: string, flags: Shell & { plan: boolean }) => {
      const summary = await inspectModel(await resolveModel(name, [process.cwd()]));
      const { architecture, tokenizer } = summary;
      const plans = flags.plan ? await inspectPlans(summary) : null;
      show(flags, plans ? { ...summary, plans } : summary, () =>
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
          ...(plans ? planLines(plans) : []),
        ].join("\n"),
      );
    });
}

function cachedText({ name, problem }: { name: string; problem: string | null }): string {
  return problem === null ? name : `${name} (${problem})`;
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("devices, Pythons, versions, memory and models of this machine, and what auto would choose")
    .option(
      "--model <model>",
      "time a decoder block of this model; one of SmolLM2-135M's size where left out",
    )
    .option("--anew", "time all blocks anew, instead of taking times that are known", false)
    .option("--json", "one JSON document on stdout", false)
    .action(async (flags: Shell & { model?: string; anew: boolean }) => {
      const { model, anew } = flags;
      const onProgress = (what: string) => say(`${what} …`);
      const told = flags.json ? {} : { onProgress };
      const health = await doctor({ model, anew, ...told, root: process.cwd() });
      show(flags, health, () =>
        [
          Object.entries(health.versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(" · "),
          `${health.processor.model ?? "a processor"} (${health.processor.features?.join(", ") ?? "features not known"})`,
          `${health.platform}, ${health.cores} cores, ${byteSize(health.memory.free)} of ${byteSize(health.memory.total)} free`,
          ...health.devices.map((device) => `${device.name.padEnd(7)} ${deviceState(device)}`),
          ...(health.noGpu === null ? [] : [`GPU     none: ${health.noGpu}`]),
          ...(health.pythons.length === 0
            ? ["Pythons none"]
            : ["Pythons, the first that can compute is taken:"]),
          ...health.pythons.flatMap((python) =>
            describePython(python).map((line, i) => `${i === 0 ? "  " : "    "}${line}`),
          ),
          ...(health.standing === null
            ? []
            : [
                `default backend ${health.standing.backend}, device ${health.standing.device}: set by DISCERN_BACKEND and DISCERN_DEVICE`,
              ]),
          ...[health.auto, ...health.choices].map(
            ({ model, backend, device, reason }) => `auto    ${device} by ${backend} for ${model}: ${reason}`,
          ),
          `models in ${health.models.home}: ${health.models.found.join(", ") || "none; fetch one with: discern pull smollm2-135m"}`,
          `models in ${health.models.cache}: ${health.models.cached.map(cachedText).join(", ") || "none"}`,
        ].join("\n"),
      );
    });
}

/** The memory plans of a model as the command line lists them: by lines, and what this machine has available. */
function planLines({ available, ways, torch, weights }: Awaited<ReturnType<typeof inspectPlans>>): string[] {
  return [
    `Memory of a step of LoRA (rank 16, 8 × 64 tokens) and of answering 16 prompts; ${byteSize(available)} is available here:`,
    ...ways.map(({ memory, fits, text }) => `  ${memory}${fits ? "" : " (does not fit)"}: ${text}`),
    "The same by PyTorch, in one process:",
    ...torch.map(({ name, fits, text }) => `  ${name}${fits === false ? " (does not fit)" : ""}: ${text}`),
    "Weights that are held as they are stored, and what their products are computed by:",
    ...Object.entries(weights).flatMap(([device, rows]) =>
      columns([
        [device, "STORED", "", "HELD", "", "FORWARD", "A TOKEN", "BACKWARD"],
        ...rows.map((row) => [
          `  ${row.name} × ${row.tensors}`,
          row.type,
          byteSize(row.storedBytes),
          row.held,
          byteSize(row.heldBytes),
          row.forward,
          row.token,
          row.backward,
        ]),
      ]),
    ),
  ];
}
