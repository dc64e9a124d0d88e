import { HubApiError, listFiles } from "@huggingface/hub";
import { DiscernError } from "../../../protocol/errors.ts";
import { hubAddress, hubHeaders, hubPage, hubRefusal } from "../../download/hub.ts";
import { type Checksum, fetchSoon, type Transfer } from "../../download/transfer.ts";

/** A file of a model on the hub. */
export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly checksum: Checksum | null;
}

/** What a hub model is fetched as. */
export type HubModelKind = "decoder" | "classifier";

/**
 * What a decoder, or a text classifier in ONNX, and its tokenizer need; other copies of the weights (consolidated, .bin, quantised)
 * are left.
 */
const wanted: Readonly<Record<HubModelKind, RegExp>> = {
  decoder:
    /^(config|generation_config|special_tokens_map|model\.safetensors\.index)\.json$|^(tokenizer|chat_template)[^/\\]*$|^model[^/\\]*\.safetensors$/,
  classifier:
    /^(config|special_tokens_map|added_tokens)\.json$|^tokenizer[^/\\]*$|^(onnx\/)?model\.onnx(_data)?$/,
};
const weightsOf: Readonly<Record<HubModelKind, { ending: RegExp; called: string }>> = {
  decoder: { ending: /\.safetensors$/, called: "safetensors" },
  classifier: { ending: /\.onnx$/, called: "model.onnx" },
};

/**
 * Lists the files of a hub model that are needed, weights first and `config.json` last, so that a folder becomes a
 * model only when all else is there. `HF_ENDPOINT` names a mirror, `HF_TOKEN` opens gated models.
 *
 * @param id owner/name.
 * @throws DiscernError `download-failed` when the hub does not answer, the model is gated or not there, or it has no
 *   weights of its kind.
 */
export async function hubModelFiles(
  id: string,
  transfer: Transfer,
  kind: HubModelKind = "decoder",
): Promise<HubFile[]> {
  const hubUrl = hubAddress();
  const token = process.env.HF_TOKEN;
  const headers = hubHeaders();
  const repository = { type: "model", id } as const;
  const files: HubFile[] = [];
  const listing = listFiles({
    repo: { type: "model", name: id },
    hubUrl,
    fetch: (input, init) => fetchSoon(input as string | URL, { ...init }, transfer),
    ...(token ? { accessToken: token } : {}),
    recursive: kind === "classifier",
  });
  try {
    for await (const { type, path, size, oid, lfs } of listing) {
      if (type !== "file" || !wanted[kind].test(path)) continue;
      files.push({
        name: path,
        bytes: lfs?.size ?? size,
        url: `${hubPage(repository)}/resolve/main/${path.split("/").map(encodeURIComponent).join("/")}`,
        headers,
        checksum: lfs ? { kind: "sha256", hex: lfs.oid } : oid ? { kind: "git", hex: oid } : null,
      });
    }
  } catch (error) {
    throw (error instanceof HubApiError ? hubRefusal(repository, error.statusCode) : null) ?? error;
  }
  if (
    !files.some(({ name }) => weightsOf[kind].ending.test(name)) ||
    !files.some(({ name }) => name === "config.json")
  ) {
    throw new DiscernError(
      "download-failed",
      `${id} on the hub is not a model with config.json and ${weightsOf[kind].called}.`,
    );
  }
  const rank = ({ name }: HubFile) =>
    name === "config.json" ? 2 : weightsOf[kind].ending.test(name) ? 0 : 1;
  return files.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
