import { createHash } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { ranged } from "./localServer.ts";

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
export const gitHash = (bytes: Uint8Array) =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** A repository of {@link hubOf}: the files of each commit, and what its branches and tags are. */
export interface HubRepo {
  readonly commits: Readonly<Record<string, Readonly<Record<string, Buffer>>>>;
  readonly refs: Readonly<Record<string, string>>;
  /** Whether its files are for those alone who have this token. */
  readonly token?: string;
}

/** A commit's hash, for a test. */
export const commitOf = (digit: string) => digit.repeat(40);

const isLarge = (path: string) => /\.(safetensors|gguf|onnx|bin)$/.test(path);
const etagOf = (path: string, content: Buffer) => (isLarge(path) ? sha256(content) : gitHash(content));

/** A server that speaks what @huggingface/hub and Python's huggingface_hub ask of the hub to fetch models. */
export function hubOf(repos: Readonly<Record<string, HubRepo>>): RequestListener {
  return (request, response) => {
    const path = decodeURIComponent(request.url!.replace(/\?.*/, ""));
    const [id, repo] = Object.entries(repos).find(([id]) => path.includes(`/${id}/`)) ?? [];
    if (id === undefined || repo === undefined) {
      refuse(response, 401, "RepoNotFound");
      return;
    }
    const [, revision, file] = path.startsWith("/api/")
      ? (new RegExp(`^/api/models/${id}/(?:revision|tree)/(.*)$`).exec(path) ?? [])
      : (new RegExp(`^/${id}/resolve/([0-9a-f]{40}|[^/]+)/(.*)$`).exec(path) ?? []);
    const commit = revision === undefined ? undefined : (repo.refs[revision] ?? revision);
    const files = commit === undefined ? undefined : repo.commits[commit];
    if (commit === undefined || files === undefined) {
      refuse(response, 404, "RevisionNotFound");
      return;
    }
    response.setHeader("x-repo-commit", commit);
    if (file !== undefined) sendFile(request, response, { repo, files, file });
    else if (path.includes("/tree/")) sendJson(response, treeOf(files));
    else sendJson(response, infoOf(id, commit, files));
  };
}

function infoOf(id: string, sha: string, files: object) {
  const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
  return { _id: id, id, sha, siblings, lastModified: "2026-01-01T00:00:00.000Z" };
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { repo, files, file }: { repo: HubRepo; files: Readonly<Record<string, Buffer>>; file: string },
): void {
  const content = files[file];
  if (content === undefined) {
    refuse(response, 404, "EntryNotFound");
    return;
  }
  const sent = request.headers.authorization;
  if (repo.token !== undefined && sent !== `Bearer ${repo.token}`) {
    refuse(response, sent === undefined ? 401 : 403, "GatedRepo");
    return;
  }
  response.setHeader("etag", `"${etagOf(file, content)}"`);
  if (request.method === "HEAD") {
    response.setHeader("content-length", content.length).end();
    return;
  }
  ranged(content)(request, response);
}

function treeOf(files: Readonly<Record<string, Buffer>>) {
  return Object.entries(files).map(([path, content]) => ({
    ...{ type: "file", path, size: content.length, oid: gitHash(content) },
    ...(isLarge(path) && { lfs: { oid: sha256(content), size: content.length, pointerSize: 134 } }),
  }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json").end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "x-error-code": code, "content-length": 0 }).end();
}
