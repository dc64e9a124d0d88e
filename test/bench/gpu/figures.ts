import { Side } from "../side.ts";
import type { Context } from "./context.ts";
import { shapes } from "./shapes.ts";
import type { SideKind } from "./sides.ts";
import { type Work, workOn } from "./work.ts";

/**
 * Measures the tasks of one side on one shape; every task is a row as soon as it is measured. One that fails is written down, and
 * the others go on in a new process.
 */
export async function measureFigures(context: Context, kind: SideKind, shape: string): Promise<void> {
  const all = workOn(shapes[shape]!);
  const model = await context.model(shape);
  for (const names of kind.processes) {
    const left = [...names];
    while (left.length > 0) {
      let name = left[0]!;
      try {
        await withSide(context, kind, async (side) => {
          for (; left.length > 0; left.shift()) {
            name = left[0]!;
            await measure(context, { side, kind, shape, model, work: all[name] });
          }
        });
      } catch (error) {
        context.signal.throwIfAborted();
        left.shift();
        await context.results.failure({
          part: `${kind.title}, ${shape}: ${all[name].title}`,
          message: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }
}

/**
 * A process of a side, for as long as `use` takes; ended where the part's time is over.
 *
 * @throws Error where there is no Python for it, and what `use` throws.
 */
export async function withSide<T>(
  { env, python, signal }: Context,
  kind: Pick<SideKind, "title" | "script" | "python" | "request">,
  use: (side: Side) => Promise<T>,
): Promise<T> {
  if (python === null && kind.request.device === "torch") {
    throw new Error("No Python with torch was found. DISCERN_PYTHON names one.");
  }
  const side = new Side(kind.title, kind.python ? python! : process.execPath, [kind.script], {
    ...env,
    ...(python === null ? {} : { DISCERN_PYTHON: python }),
  });
  const kill = () => side.kill();
  signal.addEventListener("abort", kill);
  try {
    signal.throwIfAborted();
    return await use(side);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", kill);
    await side.close();
  }
}

/** The request by which a side prepares a task on a model. */
export function preparation({ torchDevice, threads }: Context, kind: SideKind, model: string, work: Work) {
  const { device } = kind.request;
  return {
    ...kind.request,
    do: "prepare" as const,
    task: kind.python ? work.peer : work.ours,
    threads,
    device: device === "torch" ? torchDevice : device,
    input: { model, ...work.input },
  };
}

/** Seconds. */
const longWarmUp = 10;

interface Measured {
  readonly side: Side;
  readonly kind: SideKind;
  readonly shape: string;
  readonly model: string;
  readonly work: Work;
}

async function measure(context: Context, { side, kind, shape, model, work }: Measured): Promise<void> {
  const { meter, results, repeat } = context;
  meter.restart(side.pid);
  const { seconds: loading } = await side.ask(preparation(context, kind, model, work));
  const first = await side.ask({ do: "run" });
  // The second run compiles at most a little; where the first took long there is no time for one that is not counted.
  const second = first.seconds < longWarmUp ? await side.ask({ do: "run" }) : null;
  const seconds: number[] = [];
  for (let round = 0; round < repeat; round++) seconds.push((await side.ask({ do: "run" })).seconds);
  await results.figure({
    shape,
    side: kind.title,
    task: work.title,
    seconds,
    warmUpSeconds: loading + first.seconds + (second?.seconds ?? 0),
    tokens: work.tokens,
    operations: work.operations,
    ...meter.read(),
  });
}
