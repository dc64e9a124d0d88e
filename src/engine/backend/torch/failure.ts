import type { TorchOptions } from "../../../protocol/backend.ts";
import { DiscernError, type ErrorCode, errorCodes } from "../../../protocol/errors.ts";
import { installCommand } from "../../python/probe.ts";
import { type Ending, meetingSeconds, type Nodes } from "./launch.ts";

/** What is known of how a worker was started, for errors that say what to do. */
export interface WorkerSetting {
  readonly python: string;
  /** Processes on all machines. */
  readonly processes: number;
  readonly nodes?: Nodes | undefined;
}

/** How a model is computed, as far as it decides how much memory that takes. */
export interface MemoryChoices {
  readonly device: "cpu" | "cuda";
  readonly processes: number;
  readonly dtype: TorchOptions["dtype"];
  readonly shard: boolean;
  /** Whether activations are kept for the backward pass. */
  readonly keeps: boolean;
}

/** The next smaller plan after one whose memory did not suffice, in words. */
export function smallerPlan({ device, processes, dtype, shard, keeps }: MemoryChoices): string {
  if (keeps) return "compute activations anew in the backward pass: --set memory=recompute";
  if (dtype === "float32" && device === "cuda")
    return "keep weights in half the bytes: --set torch.dtype=bfloat16";
  if (!shard && processes > 1) return "give each process a share of the weights: --set torch.shard=shard";
  const less =
    "take smaller batches (batchSize) or shorter prompts (maxTokens), LoRA instead of full weights, or a smaller model";
  return device === "cuda" ? `${less}; or more GPUs with torch.shard=shard` : less;
}

/** Why a request failed: the worker's own error, with what to do where its memory did not suffice. */
export function requestFailure(
  method: string,
  { code, message }: { readonly code: string; readonly message: string },
  choices: MemoryChoices | null,
): Error {
  if (code === "out-of-memory") {
    const next = choices === null ? "" : ` Next smaller plan: ${smallerPlan(choices)}.`;
    return new DiscernError(code, `The PyTorch worker ran out of memory at "${method}". ${message}${next}`);
  }
  const known = (errorCodes as readonly string[]).includes(code) ? (code as ErrorCode) : "worker-failed";
  const where = known === "worker-failed" ? `The PyTorch worker failed at "${method}": ` : "";
  return new DiscernError(known, `${where}${message}`);
}

/** What a line of Python's output says, and what to do about it. */
const signs: readonly [
  pattern: RegExp,
  code: ErrorCode,
  (setting: WorkerSetting, found: string) => string,
][] = [
  [
    /No module named '([\w.]+)'/,
    "python-unusable",
    ({ python }, module) =>
      `${python} lacks the package ${module}. Install it: "${python}" -m pip install ${module}, or: ${installCommand}.`,
  ],
  [
    /^(?:\[rank\d+\]: ?)?ImportError: (.*)/m,
    "python-unusable",
    ({ python }, what) =>
      `A package of ${python} does not fit (${what}). Make an environment of versions that do: ${installCommand}.`,
  ],
  [
    /(OutOfMemoryError: .*|CUDA out of memory.*)/,
    "out-of-memory",
    (_, what) => `${what}. Use memory "recompute", torch.shard "shard", smaller batches, or a smaller model.`,
  ],
  [
    /(Address already in use|EADDRINUSE)/,
    "worker-failed",
    ({ nodes }) =>
      `The port of ${nodes?.rendezvous ?? "the rendezvous"} is in use on this machine: name another one in torch.nodes.rendezvous.`,
  ],
  [
    /(RendezvousTimeoutError|DistStoreError|DistNetworkError|wait timeout|timed out after \d+|clients joined)/i,
    "worker-failed",
    ({ nodes }) =>
      nodes === undefined
        ? "The processes did not find each other. Check that this machine can connect to 127.0.0.1."
        : `The agents of ${nodes.count} machines did not meet at ${nodes.rendezvous} within ${meetingSeconds / 60} minutes. Start "discern torch join" on each ` +
          "of the others with the same count, rendezvous and id, and check that they reach this host and port.",
  ],
];

/**
 * Why the worker's processes ended, or did not begin.
 *
 * @param when what was going on, such as `before it had connected`.
 * @param lines what they printed last.
 */
export function endingFailure(
  setting: WorkerSetting,
  when: string,
  ending: Ending | null,
  lines: readonly string[],
): DiscernError {
  const said = lines.join("\n");
  const quoted = said === "" ? "" : ` It said last:\n${said}`;
  const how =
    ending === null ? "" : ` (${ending.problem ?? ending.signal ?? `exit code ${ending.exitCode}`})`;
  const begin = `The PyTorch worker (${setting.python}) ended ${when}${how}.`;
  for (const [pattern, code, advice] of signs) {
    const match = pattern.exec(said);
    if (match) return new DiscernError(code, `${begin} ${advice(setting, match[1]!)}${quoted}`);
  }
  if (ending?.signal === "SIGKILL" || /exitcode\s*: -9|Signal 9/.test(said)) {
    return new DiscernError(
      "worker-failed",
      `${begin} It was killed, by a person or by the system for lack of memory. Resume the run; where that happens again, take a smaller plan: ` +
        `memory "recompute", smaller batches, or a smaller model.${quoted}`,
    );
  }
  return new DiscernError("worker-failed", `${begin}${quoted}`);
}
