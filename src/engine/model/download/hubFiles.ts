import { HubApiError, listFiles } from "@huggingface/hub";
import { DiscernError } from "../../../protocol/errors.ts";
import { type Checksum, fetchSoon, type Transfer } from "./download.ts";

/** A file of a model on the hub. */
export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly checksum: Checksum | null;
}

/** What a decoder and its tokenizer need; other copies of the weights (consolidated, .bin, onnx/) are left. */
const wanted =
  /^(config|generation_config|special_tokens_map|model\.safetensors\.index)\.json$|^(tokenizer|chat_template)[^/\\]*$|^model[^/\\]*\.safetensors$/;

/**
 * Whether the environment forbids the network, by the variables of huggingface_hub and transformers.
 *
 * @returns the variable that says so.
 */
export function offlineBy(): string | null {
  const yes = new Set(["1", "ON", "YES", "TRUE"]);
  const said = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].find((name) => {
    return yes.has((process.env[name] ?? "").toUpperCase());
  });
  return said ?? null;
}

/** The hub was reached and did not give the model. */
export class HubRefusal extends DiscernError {}

function hubAddress(): string {
  return (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
}

/**
 * What the hub's refusal of a model means and what to do about it. The hub answers 401 also for a model that does not
 * exist, so that nobody can find out which private ones do.
 *
 * @returns null for a status that says no more than its number.
 */
export function hubRefusal(id: string, status: number): HubRefusal | null {
  const page = `${hubAddress()}/${id}`;
  const token = Boolean(process.env.HF_TOKEN);
  const meaning: Record<number, string> = {
    401: token
      ? `the hub answered 401: it does not accept the token in HF_TOKEN, or there is no model ${id}. Check the name, ` +
        "and set HF_TOKEN to a valid access token"
      : `the hub answered 401: ${id} is gated or private, or does not exist. Check the name, ask for access on ` +
        `${page}, and set HF_TOKEN to an access token of that account`,
    403: token
      ? `the hub answered 403: the account of HF_TOKEN has no access to ${id}. Ask for access on ${page}; a ` +
        "fine-grained token also needs the permission to read gated models"
      : `the hub answered 403: ${id} is gated. Ask for access on ${page}, and set HF_TOKEN to an access token of ` +
        "that account",
    404: `the hub answered 404: there is no model ${id}. Check the name`,
    429: "the hub answered 429: too many requests. Wait some minutes, or set HF_TOKEN to an access token",
  };
  const text = meaning[status];
  return text === undefined ? null : new HubRefusal("download-failed", `${text}.`);
}

/**
 * Lists the files of a hub model that are needed, weights first and `config.json` last, so that a folder becomes a
 * model only when all else is there. `HF_ENDPOINT` names a mirror, `HF_TOKEN` opens gated models.
 *
 * @param id owner/name.
 * @throws DiscernError `download-failed` when the hub does not answer, the model is gated or not there, or it has no
 *   safetensors.
 */
export async function hubModelFiles(id: string, transfer: Transfer): Promise<HubFile[]> {
  const hubUrl = hubAddress();
  const token = process.env.HF_TOKEN;
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const files: HubFile[] = [];
  const listing = listFiles({
    repo: { type: "model", name: id },
    hubUrl,
    fetch: (input, init) => fetchSoon(input as string | URL, { ...init }, transfer),
    ...(token ? { accessToken: token } : {}),
  });
  try {
    for await (const { type, path, size, oid, lfs } of listing) {
      if (type !== "file" || !wanted.test(path)) continue;
      files.push({
        name: path,
        bytes: lfs?.size ?? size,
        url: `${hubUrl}/${id}/resolve/main/${encodeURIComponent(path)}`,
        headers,
        checksum: lfs ? { kind: "sha256", hex: lfs.oid } : oid ? { kind: "git", hex: oid } : null,
      });
    }
  } catch (error) {
    throw (error instanceof HubApiError ? hubRefusal(id, error.statusCode) : null) ?? error;
  }
  if (
    !files.some(({ name }) => name.endsWith(".safetensors")) ||
    !files.some(({ name }) => name === "config.json")
  ) {
    throw new DiscernError(
      "download-failed",
      `${id} on the hub is not a model with config.json and safetensors.`,
    );
  }
  const rank = ({ name }: HubFile) => (name === "config.json" ? 2 : name.endsWith(".safetensors") ? 0 : 1);
  return files.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
