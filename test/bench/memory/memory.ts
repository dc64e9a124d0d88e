/**
 * `npm run bench:memory`: what steps of training on models of 1.5 and 8 billion parameters take in memory and time on this
 * machine's CPU, within so much memory, by the plan that a run would make. The models are random and made on the spot; each is
 * deleted when it has been measured. Needs 9 GB of disk.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import type { MemoryPlanRecord } from "../../../src/protocol/backend.ts";
import { byteSize, pace, percent } from "../../../src/wording/numbers.ts";
import { writeRandomModel } from "../gpu/randomModel.ts";
import { shapes } from "../gpu/shapes.ts";
import { writeBlockModel } from "./blockModel.ts";
import type { Case } from "./child.ts";

interface Model {
  readonly shape: string;
  readonly type: "BF16" | "Q8_0" | "Q4_0";
  readonly cases: readonly Pick<Case, "work" | "memory" | "available" | "steps">[];
}

const gigabyte = 1e9;
const both = (available: number, steps: number): Model["cases"] =>
  (["lora", "contrastive"] as const).map((work) => ({ work, memory: "auto", available, steps }));

const models: readonly Model[] = [
  { shape: "1.5B", type: "Q8_0", cases: both(4 * gigabyte, 3) },
  { shape: "1.5B", type: "BF16", cases: both(6 * gigabyte, 3) },
  {
    shape: "8B",
    type: "Q4_0",
    cases: [
      { work: "lora", memory: "auto", available: 16 * gigabyte, steps: 2 },
      { work: "lora", memory: "stream", available: 8 * gigabyte, steps: 2 },
    ],
  },
];

const names = models.map(({ shape, type }) => `${shape}-${type}`);
const options = new Command("bench:memory")
  .option("--models <names>", `some of ${names.join(",")}`, names.join(","))
  .option("--work <names>", "some of lora,contrastive", "lora,contrastive")
  .option("--rows <n>", "rows of a LoRA step, of 64 tokens each", "8")
  .option("--steps <n>", "steps of each case (default: 2 or 3)")
  .option("--threads <n>", "threads", String(availableParallelism()))
  .option("--folder <folder>", "where the models are written while it runs", tmpdir())
  .parse()
  .opts<{ models: string; work: string; threads: string; folder: string; rows: string; steps?: string }>();

/** What a case found. */
interface Found extends Case {
  readonly title: string;
  readonly plan: MemoryPlanRecord;
  /** Floating-point operations of matrix products per second of the processor's time, and those of a step's products with the weights. */
  readonly peak: number;
  readonly operations: number;
  readonly measured: readonly { readonly seconds: number; readonly cpuSeconds: number }[];
  readonly peakBytes: number;
}

const found: Found[] = [];
for (const [i, { shape, type, cases }] of models.entries()) {
  if (!options.models.split(",").includes(names[i]!)) continue;
  const folder = await mkdtemp(join(options.folder, "discern-memory-"));
  try {
    console.error(`Writing a ${type} model of ${shapes[shape]!.title}'s shape …`);
    const model = type === "BF16" ? folder : join(folder, "model.gguf");
    if (type === "BF16") await writeRandomModel(folder, shapes[shape]!);
    else await writeBlockModel(model, shapes[shape]!, type);
    for (const each of cases.filter(({ work }) => options.work.split(",").includes(work))) {
      const steps = Number(options.steps ?? each.steps);
      const asked = {
        ...each,
        steps,
        rows: Number(options.rows),
        model,
        shape,
        threads: Number(options.threads),
      };
      const title = `${shapes[shape]!.title}, ${type}, ${each.work === "lora" ? `LoRA step of ${options.rows} × 64 tokens` : "contrastive step"}, ${byteSize(each.available)}`;
      console.error(`${title} …`);
      found.push({ ...asked, title, ...(await measured(asked)) });
      console.error(table(found.slice(-1)));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
const machine = `${cpus()[0]!.model}, ${options.threads} threads, Node ${process.version}`;
console.log(`${machine}\n\n${table(found)}`);
const results = join(import.meta.dirname, "../../../.cache/bench");
await mkdir(results, { recursive: true });
const file = join(results, `memory-${new Date().toISOString().replaceAll(":", "-")}.json`);
await writeFile(file, `${JSON.stringify({ machine, found }, null, 2)}\n`);
console.error(`Written to ${file}`);

async function measured(asked: Case): Promise<Omit<Found, keyof Case | "title">> {
  const child = join(import.meta.dirname, "child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child, JSON.stringify(asked)]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

function table(rows: readonly Found[]): string {
  const cells = rows.map(({ title, plan, available, peakBytes, measured: steps, operations, peak }) => {
    const least = (key: "seconds" | "cpuSeconds") => Math.min(...steps.map((step) => step[key]));
    return [
      title,
      `${plan.mode}${typeof plan.keptBlocks === "number" && plan.mode === "stream" ? ` (${plan.keptBlocks} blocks kept)` : ""}`,
      byteSize(plan.peakBytes),
      `${byteSize(peakBytes)}${peakBytes > available ? " (over)" : ""}`,
      pace(least("seconds")),
      pace(least("cpuSeconds")),
      percent(operations / least("cpuSeconds") / peak),
    ];
  });
  const head = ["", "plan", "planned peak", "peak", "step", "CPU time", "of the matrix peak"];
  const line = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  return [line(head), "| --- | --- | ---: | ---: | ---: | ---: | ---: |", ...cells.map(line)].join("\n");
}
