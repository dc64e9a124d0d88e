/** An engine with a worker, which a test kills. @param process.argv Python, and how many processes. */
import { setTimeout as sleep } from "node:timers/promises";
import { WorkerClient } from "../../../../src/engine/backend/torch/workerClient.ts";

const [python, processes] = process.argv.slice(2);
await WorkerClient.start({ python: python!, processes: Number(processes), threads: 1 });
process.stdout.write("ready\n");
await sleep(600_000);
