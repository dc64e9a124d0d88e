/** Discern's side of the benchmark: one task in one process, asked over stdin as peer/peer.py is. */
import { createInterface } from "node:readline";
import type { Backend } from "../../src/engine/backend/backend.ts";
import { openBackend } from "../../src/engine/backend/open.ts";
import { TorchBackend } from "../../src/engine/backend/torch/torchBackend.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { relaunch } from "../../src/engine/server/launch.ts";
import { torchSchema } from "../../src/protocol/backend.ts";
import { tasks } from "./ourTasks.ts";
import type { Request } from "./side.ts";

// As the command line starts itself.
relaunch();

/** The model that the tasks before worked on. What they trained is still attached, so training comes last. */
let opened: { path: string; backend: Backend } | undefined;

async function prepare({
  task,
  threads,
  device,
  backend: name,
  variant,
  input,
}: Extract<Request, { do: "prepare" }>) {
  const path = input.model as string;
  if (opened?.path !== path) {
    await opened?.backend.dispose();
    const torch = torchSchema.parse(variant ?? {});
    const options = { backend: name ?? "onnx", device, threads, torch };
    opened = { path, backend: (await openBackend(options, await loadModel(path))).backend };
  }
  const make = tasks[task as keyof typeof tasks] as (
    backend: Backend,
    input: unknown,
  ) => Promise<() => Promise<unknown>>;
  return make(opened.backend, input);
}

let run: (() => Promise<unknown>) | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if (request.do === "close") break;
  try {
    const start = performance.now();
    let result: unknown;
    if (request.do === "prepare") run = await prepare(request);
    else result = await run?.();
    const seconds = (performance.now() - start) / 1000;
    // The torch backend's memory is its worker's, which this process does not see.
    const peakBytes = opened?.backend instanceof TorchBackend ? 0 : process.resourceUsage().maxRSS * 1024;
    console.log(JSON.stringify({ seconds, peakBytes, result }));
  } catch (error) {
    console.log(
      JSON.stringify({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  }
}
process.exit(0);
