/**
 * `npm run bench:kernel`: how long a kernel of 50 × 50 prompts takes on this machine's CPU, over the ten most probable tokens of each and all
 * weights of the blocks, on prompts as they are and in the chat template. It measures the kernel probe, plan and figures included.
 */
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { parse } from "csv-parse/sync";
import { promptId } from "../../../src/dataset/record.ts";
import { parameterCount } from "../../../src/engine/model/load.ts";
import type { ProbeRow, StateSession } from "../../../src/engine/probe/definition.ts";
import { kernelBetweenPrompts } from "../../../src/engine/probe/kernel/kernel.ts";
import { relaunch } from "../../../src/engine/server/launch.ts";
import { openSession } from "../../../src/engine/session/session.ts";
import type { Label } from "../../../src/protocol/label.ts";
import { untrainedState } from "../../../src/protocol/probe/result.ts";
import { realModelPath } from "../../realModel.ts";

relaunch();

const root = join(import.meta.dirname, "../../..");
const options = new Command("bench:kernel")
  .option("--texts <names>", "some of raw,template", "raw,template")
  .option("--prompts <n>", "prompts, half of them toxic", "50")
  .option("--top <n>", "most probable tokens of each", "10")
  .option("--threads <n>", "threads", String(availableParallelism()))
  .option("--model <path>", "the model (default: SmolLM2-135M-Instruct, fetched where it is missing)")
  .parse()
  .opts<{ texts: string; prompts: string; top: string; threads: string; model?: string }>();

/** Longest prompt as it is, in tokens. */
const longest = 20;

const { encoder, tokenizer, backend, loaded } = await openSession({
  model: options.model ?? (await realModelPath()),
  root,
  device: "cpu",
  threads: Number(options.threads),
  memory: "keep",
  template: "auto",
});
const session = { encoder, tokenizer, backend, loaded, learned: [] } as unknown as StateSession;
const file = join(root, "datasets/starter/pairs.csv");
const lines: { label: Label; prompt: string }[] = parse(await readFile(file, "utf8"), { columns: true });
const half = Math.ceil(Number(options.prompts) / 2);
const prompts: ProbeRow[] = [];
for (const [i, { label, prompt }] of lines.entries()) {
  if (prompts.filter(({ group }) => group === label).length === half) continue;
  const alone = (await encoder.alone([prompt]))[0]!;
  if (alone.length > longest) continue;
  const ids = await encoder.prompt(prompt);
  prompts.push({ id: promptId(prompt), prompt, file, line: i + 2, group: label, ids, alone, example: null });
}
console.log(`${cpus()[0]!.model}, ${options.threads} threads, Node ${process.version}`);
for (const text of options.texts.split(",")) {
  const context = {
    options: kernelBetweenPrompts.contract.options.parse({ text, top: Number(options.top), perGroup: half }),
    seed: 0,
    shape: backend.shape,
    architecture: loaded.architecture,
    parameters: parameterCount(loaded.architecture),
    prompts,
    training: [],
    openings: [],
    contrastLayer: null,
    states: [untrainedState],
    at: (_state: unknown, work: (session: StateSession) => Promise<unknown>) => work(session),
    onProgress: (done: number, of: number) =>
      process.stderr.write(`\r${text} ${Math.round((100 * done) / of)} %`),
    check: () => undefined,
    judge: null,
  } as unknown as Parameters<typeof kernelBetweenPrompts.measure>[0];
  const [start, cpuStart] = [performance.now(), process.cpuUsage()];
  const { figures } = await kernelBetweenPrompts.measure(context);
  const { user, system } = process.cpuUsage(cpuStart);
  const { tokens, parameters } = figures;
  console.log(
    `\r${text}: ${figures.measured.length} prompts of ${tokens.shortest} to ${tokens.longest} tokens, ${tokens.total} in all, ` +
      `top ${options.top}, ${parameters.of} (${parameters.count}): ` +
      `${((performance.now() - start) / 1000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of processor time, ` +
      `${(process.resourceUsage().maxRSS / 1e6).toFixed(2)} GB at most`,
  );
  for (const { between, symmetric } of figures.states[0]!.kernel.blocks) {
    console.log(
      `  ${between}: ${symmetric.value?.toFixed(3)} [${symmetric.lower?.toFixed(3)}, ${symmetric.upper?.toFixed(3)}]`,
    );
  }
}
await backend.dispose();
