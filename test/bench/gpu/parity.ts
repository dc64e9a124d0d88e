import type { Context } from "./context.ts";
import { preparation, withSide } from "./figures.ts";
import { shapes } from "./shapes.ts";
import { type SideKind, sideKinds } from "./sides.ts";
import { type Work, type WorkName, workOn } from "./work.ts";

/** Losses that are compared: those of so many steps. */
const steps = 5;

const float = { dtype: "float32", compile: false } as const;
const cpu: SideKind = {
  ...sideKinds.webgpu,
  title: "Discern, onnx on the CPU",
  request: { backend: "onnx", device: "cpu" },
};
const others: readonly SideKind[] = [
  sideKinds.webgpu,
  {
    ...sideKinds.torch,
    title: "Discern, torch f32",
    request: { ...sideKinds.torch.request, variant: float },
  },
];

/** What is compared, how far apart it may be, and in which measure. */
const compared: readonly {
  readonly work: WorkName;
  readonly title: string;
  readonly runs: number;
  readonly wanted: number;
  /** @param ours the results of the runs on the CPU. */
  apart(ours: readonly unknown[], theirs: readonly unknown[]): number;
}[] = [
  { work: "score", title: "ln of refusal probability", runs: 1, wanted: 1e-2, apart: farthest },
  { work: "generate", title: "share of greedy tokens that differ", runs: 1, wanted: 0.02, apart: unlike },
  { work: "lora", title: `losses of ${steps} supervised steps`, runs: steps, wanted: 1e-3, apart: farthest },
  {
    work: "contrastive",
    title: `losses of ${steps} contrastive steps (circle)`,
    runs: steps,
    wanted: 1e-3,
    apart: farthest,
  },
];

/** Holds WebGPU and torch in float32 to onnxruntime on the CPU, on the same model, adapter and batches. */
export async function checkParity(context: Context, shape: string): Promise<void> {
  const model = await context.model(shape);
  const work = workOn(shapes[shape]!);
  const reference = await resultsOf(context, cpu, model, work);
  let failed: unknown;
  for (const kind of others) {
    try {
      const found = await resultsOf(context, kind, model, work);
      for (const { title, wanted, apart, work: name } of compared) {
        const difference = apart(reference.get(name)!, found.get(name)!);
        await context.results.check({
          name: `${title}, ${shape}: ${kind.title} against the CPU`,
          found: difference.toExponential(1),
          wanted: `≤ ${wanted}`,
          holds: difference <= wanted,
        });
      }
    } catch (error) {
      context.signal.throwIfAborted();
      // The other side may still be compared.
      failed ??= error;
    }
  }
  if (failed !== undefined) throw failed;
}

async function resultsOf(
  context: Context,
  kind: SideKind,
  model: string,
  all: Readonly<Record<WorkName, Work>>,
): Promise<Map<WorkName, unknown[]>> {
  const found = new Map<WorkName, unknown[]>();
  for (const names of kind.processes) {
    await withSide(context, kind, async (side) => {
      for (const name of names) {
        await side.ask(preparation(context, kind, model, all[name]));
        const results: unknown[] = [];
        const { runs } = compared.find((one) => one.work === name)!;
        for (let run = 0; run < runs; run++) results.push((await side.ask({ do: "run" })).result);
        found.set(name, results);
      }
    });
  }
  return found;
}

/** The largest difference of two numbers, as a share of the number where that is above 1. */
function farthest(ours: readonly unknown[], theirs: readonly unknown[]): number {
  const mine = ours.flat() as number[];
  const others = theirs.flat() as number[];
  const apart = mine.map((x, i) => Math.abs(x - others[i]!) / Math.max(1, Math.abs(x)));
  return mine.length === others.length ? Math.max(...apart) : Number.NaN;
}

/** Share of tokens that differ. Two greedy answers part for good where two tokens are equally probable. */
function unlike(ours: readonly unknown[], theirs: readonly unknown[]): number {
  const mine = ours.flat(2) as number[];
  const others = theirs.flat(2) as number[];
  return mine.length === others.length
    ? mine.filter((token, i) => token !== others[i]).length / mine.length
    : Number.NaN;
}
