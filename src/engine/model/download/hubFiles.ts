import { HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import { type HubName, hubNameText } from "../../../modelsHome/hubName.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import { byteSize } from "../../../wording/numbers.ts";
import { HubRefusal, hubAddress, hubHeaders, hubPage, hubRefusal } from "../../download/hub.ts";
import { type Checksum, fetchSoon, type Transfer } from "../../download/transfer.ts";

/** A file of a model on the hub. */
export interface HubFile {
  /** Its path in the repository. */
  readonly name: string;
  readonly bytes: number;
  readonly url: string;
  readonly checksum: Checksum;
}

/** A commit of a model on the hub, with the files of it that are needed. */
export interface HubCommit {
  readonly id: string;
  readonly commit: string;
  /** Weights first and settings last, so that what is interrupted does not look whole. */
  readonly files: readonly HubFile[];
}

/** What a hub model is fetched as. */
export type HubModelKind = "decoder" | "classifier";

/**
 * The commit that a name of the hub means now, and the files of it that are needed. `HF_ENDPOINT` names a mirror.
 *
 * @throws DiscernError `download-failed` when the hub does not answer, the model is gated or not there, or it has no
 *   weights of its kind.
 */
export async function hubCommit(
  name: HubName,
  transfer: Transfer,
  kind: HubModelKind = "decoder",
): Promise<HubCommit> {
  const { id } = name;
  const hubUrl = hubAddress();
  let code: string | null = null;
  const asked: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    // The token is for the hub alone, wherever its lists lead.
    const own = url.origin === new URL(hubUrl).origin ? hubHeaders() : {};
    const response = await fetchSoon(url, { ...init, headers: { ...init?.headers, ...own } }, transfer);
    code = response.headers.get("x-error-code");
    return response;
  };
  try {
    const at = { hubUrl, fetch: asked, revision: name.revision ?? "main" };
    const { sha: commit } = await modelInfo({ ...at, name: id, additionalFields: ["sha"] });
    if (!/^[0-9a-f]{40}$/.test(commit)) throw damaged(id, `the commit "${commit}"`);
    const listing = listFiles({
      ...{ ...at, revision: commit, repo: { type: "model", name: id } },
      recursive: kind === "classifier" || name.file !== null,
    });
    const files: HubFile[] = [];
    for await (const { type, path, size, oid, lfs } of listing) {
      if (type !== "file") continue;
      const checksum = { kind: lfs ? "sha256" : "git", hex: lfs?.oid ?? oid ?? "" } as const;
      const file = path.split("/").map(encodeURIComponent).join("/");
      files.push({
        name: path,
        bytes: lfs?.size ?? size,
        url: `${hubPage({ type: "model", id })}/resolve/${commit}/${file}`,
        checksum,
      });
    }
    const needed = neededFiles(name, files, kind);
    for (const file of needed) refuseDamaged(id, file);
    return { id, commit, files: needed };
  } catch (error) {
    if (!(error instanceof HubApiError)) throw error;
    throw hubRefusal({ type: "model", id, revision: name.revision }, error.statusCode, code) ?? error;
  }
}

/** Names and checksums become paths, and come from a server. */
function refuseDamaged(id: string, { name, checksum, bytes }: HubFile): void {
  const parts = name.split("/");
  if (/[\\:\0]/.test(name) || parts.some((part) => part === "" || /^\.+$/.test(part)))
    throw damaged(id, `a file called "${name}"`);
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum.hex)) throw damaged(id, `no checksum of ${name}`);
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw damaged(id, `no size of ${name}`);
}

function damaged(id: string, what: string): DiscernError {
  return new DiscernError(
    "download-failed",
    `The hub's list of the files of ${id} has ${what}. Nothing was fetched.`,
  );
}

const settings =
  /^(config|generation_config|special_tokens_map|added_tokens)\.json$|^(tokenizer|chat_template)[^/]*$/;
const classifierFiles =
  /^(config|special_tokens_map|added_tokens)\.json$|^tokenizer[^/]*$|^(onnx\/)?model\.onnx(_data)?$/;

/** Which files are needed. Other copies of the weights (consolidated, .bin, other types, other runtimes) are left. */
function neededFiles(name: HubName, files: readonly HubFile[], kind: HubModelKind): HubFile[] {
  const weights = weightFiles(name, files, kind);
  const others = files.filter((file) => {
    if (weights.includes(file)) return false;
    if (kind === "classifier") return classifierFiles.test(file.name);
    if (weights.some((one) => one.name === adapterWeights)) return file.name === "adapter_config.json";
    return settings.test(file.name) && weights.some((one) => one.name.endsWith(".safetensors"));
  });
  const isConfig = ({ name }: HubFile) => (/^(adapter_)?config\.json$/.test(name) ? 1 : 0);
  if (!weights.some((one) => one.name.endsWith(".gguf")) && !others.some((file) => isConfig(file))) {
    throw refused(
      name,
      kind === "classifier" ? "has model.onnx, but no config.json" : "has weights, but no config.json",
    );
  }
  const byName = (a: HubFile, b: HubFile) => a.name.localeCompare(b.name);
  return [...weights.sort(byName), ...others.sort((a, b) => isConfig(a) - isConfig(b) || byName(a, b))];
}

const adapterWeights = "adapter_model.safetensors";
const shardIndex = "model.safetensors.index.json";

function weightFiles(name: HubName, files: readonly HubFile[], kind: HubModelKind): HubFile[] {
  const matching = (pattern: RegExp) => files.filter((file) => pattern.test(file.name));
  if (name.file !== null) {
    const named = files.filter((file) => file.name === name.file);
    if (named.length === 0) throw refused(name, `has no file ${name.file}${listOf(matching(/\.gguf$/))}`);
    return named;
  }
  if (kind === "classifier") {
    const graphs = matching(/^(onnx\/)?model\.onnx(_data)?$/);
    if (graphs.length === 0) throw refused(name, "has no model.onnx");
    return graphs;
  }
  for (const pattern of [
    /^model\.safetensors$/,
    /^model-\d{5}-of-\d{5}\.safetensors$|^model\.safetensors\.index\.json$/,
    /^adapter_model\.safetensors$/,
  ]) {
    const found = matching(pattern).filter((file, _, all) => file.name !== shardIndex || all.length > 1);
    if (found.length > 0) return found;
  }
  const ggufs = matching(/^[^/]*\.gguf$/);
  if (ggufs.length === 1) return ggufs;
  if (ggufs.length > 1) {
    throw refused(
      name,
      `has ${ggufs.length} GGUF files. Name one: discern pull ${name.id}/FILE${listOf(ggufs)}`,
    );
  }
  const pickled = matching(/\.(bin|pt|pth)$/)[0];
  throw refused(
    name,
    pickled === undefined
      ? "is not a model with config.json and safetensors"
      : `has its weights as ${pickled.name}, which can hold programs and is not fetched, and no safetensors. Save them as such: ` +
          `AutoModelForCausalLM.from_pretrained("${name.id}").save_pretrained(FOLDER)`,
  );
}

function listOf(files: readonly HubFile[]): string {
  if (files.length === 0) return "";
  const shown = files.slice(0, 20).map(({ name, bytes }) => `${name} (${byteSize(bytes)})`);
  return `. It has ${shown.join(", ")}${files.length > shown.length ? " and others" : ""}`;
}

function refused(name: HubName, what: string): HubRefusal {
  return new HubRefusal("download-failed", `${hubNameText({ ...name, file: null })} on the hub ${what}.`);
}
