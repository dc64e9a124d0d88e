import * as z from "zod";
import { DiscernError } from "../../../protocol/errors.ts";
import { fetchSoon, type Transfer } from "../../download/transfer.ts";

/** A file of a Python package index. */
export interface IndexFile {
  readonly url: string;
  readonly headers: Record<string, string>;
}

const projectSchema = z.looseObject({
  files: z.array(z.looseObject({ filename: z.string(), url: z.string() })),
});

/**
 * Finds a file of a project on an index (the simple API: PEP 691's JSON, or PEP 503's HTML).
 *
 * @throws DiscernError `download-failed` when the index does not answer or lacks the file.
 */
export async function findOnIndex(
  index: string,
  project: string,
  filename: string,
  transfer: Transfer,
): Promise<IndexFile> {
  const { url, headers } = withoutPassword(`${index.replace(/\/+$/, "")}/${project}/`);
  const accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1";
  const response = await fetchSoon(url, { headers: { ...headers, accept } }, transfer);
  const where = new URL(url).host;
  if (!response.ok) {
    throw new DiscernError(
      "download-failed",
      `${where} answered ${response.status} for the package ${project}.`,
    );
  }
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") ?? false;
  const href = json ? fromJson(text, filename) : fromHtml(text, filename);
  if (href === null) throw new DiscernError("download-failed", `${where} does not offer ${filename}.`);
  const file = withoutPassword(new URL(href, response.url || url).href);
  // The password of an index is for that host alone.
  const sameHost = new URL(file.url).host === where;
  return { url: file.url, headers: { ...(sameHost ? headers : {}), ...file.headers } };
}

function fromJson(text: string, filename: string): string | null {
  try {
    return (
      projectSchema.parse(JSON.parse(text)).files.find((file) => file.filename === filename)?.url ?? null
    );
  } catch {
    return null;
  }
}

function fromHtml(text: string, filename: string): string | null {
  for (const [, href, name] of text.matchAll(
    /<a\b[^>]*\bhref\s*=\s*["']([^"']+)["'][^>]*>\s*([^<]+?)\s*<\/a>/gi,
  )) {
    if (name === filename) return href!.replaceAll("&amp;", "&");
  }
  return null;
}

/** `fetch` refuses URLs that hold a name and password; they go into a header. */
function withoutPassword(address: string): IndexFile {
  const url = new URL(address);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  url.hash = "";
  if (!username && !password) return { url: url.href, headers: {} };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}
