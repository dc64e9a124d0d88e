import { readFileSync } from "node:fs";
import { hubTokenFile } from "../../modelsHome/hubHome.ts";
import { DiscernError } from "../../protocol/errors.ts";

/**
 * Whether the environment forbids the network, by the variables of huggingface_hub and transformers.
 *
 * @returns the variable that says so.
 */
export function offlineBy(): string | null {
  return ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].find(isOn) ?? null;
}

/** Whether a variable of the environment is on, as huggingface_hub reads it. */
function isOn(name: string): boolean {
  return ["1", "ON", "YES", "TRUE"].includes((process.env[name] ?? "").toUpperCase());
}

/** The hub was reached and did not give what was asked for. */
export class HubRefusal extends DiscernError {}

/** Something on the hub. */
export interface HubRepository {
  readonly type: "model" | "dataset";
  /** owner/name. */
  readonly id: string;
  /** Branch, tag or commit that was asked for; the main branch where left out. */
  readonly revision?: string | null;
}

/** Address of the hub, or of the mirror that `HF_ENDPOINT` names. */
export function hubAddress(): string {
  return (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
}

/** Page of a model or data set, and what the addresses of its files begin with. */
export function hubPage({ type, id }: HubRepository): string {
  return `${hubAddress()}/${type === "model" ? "" : "datasets/"}${id}`;
}

/** An access token of the hub, and where it is from. */
interface HubToken {
  readonly value: string;
  readonly source: string;
}

/**
 * The access token that Python's libraries would use here: that of `HF_TOKEN` or `HUGGING_FACE_HUB_TOKEN`, or of the file that
 * `hf auth login` writes.
 *
 * @returns null where there is none, or `HF_HUB_DISABLE_IMPLICIT_TOKEN` says not to send it unasked.
 */
function hubToken(): HubToken | null {
  if (isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return null;
  for (const source of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
    const value = cleanToken(process.env[source] ?? "");
    if (value !== "") return { value, source };
  }
  const source = hubTokenFile();
  try {
    const value = cleanToken(readFileSync(source, "utf8"));
    return value === "" ? null : { value, source };
  } catch {
    return null;
  }
}

/** Line breaks come with copying, and no header may have them. */
function cleanToken(text: string): string {
  return text.replace(/[\r\n]/g, "").trim();
}

/** What opens gated and private repositories to the account of the token. */
export function hubHeaders(): Record<string, string> {
  const token = hubToken();
  return token ? { authorization: `Bearer ${token.value}` } : {};
}

/**
 * What the hub's refusal means and what to do about it. The hub answers 401 also for a repository that
 * does not exist, so that nobody can find out which private ones do.
 *
 * @param code the header x-error-code of its answer.
 * @returns null for a status that says no more than its number.
 */
export function hubRefusal(
  repository: HubRepository,
  status: number,
  code: string | null = null,
): HubRefusal | null {
  const text = refusalText(repository, status, code);
  return text === null ? null : new HubRefusal("download-failed", `the hub answered ${status}: ${text}.`);
}

function refusalText(repository: HubRepository, status: number, code: string | null): string | null {
  const { id, type, revision } = repository;
  const noun = type === "model" ? "model" : "data set";
  const page = hubPage(repository);
  const token = hubToken();
  const logIn = "log in with `hf auth login`, or set HF_TOKEN to an access token of that account";
  const ask = `Ask for access on ${page}`;
  if (status === 404 && code === "RevisionNotFound") {
    return `${id} has no revision "${revision ?? "main"}". Its branches, tags and commits are listed on ${page}/commits/main`;
  }
  if (code === "GatedRepo") {
    return token === null
      ? `${id} is gated. ${ask} and ${logIn}`
      : `${id} is gated, and the account of the token in ${token.source} has no access to it. ${ask}; a fine-grained token also ` +
          "needs the permission to read gated models";
  }
  switch (status) {
    case 401:
      return token === null
        ? `${id} is gated or private, or does not exist. Check the name, ask for access on ${page}, and ${logIn}`
        : `it does not accept the token in ${token.source}, or there is no ${noun} ${id}. Check the name, and set HF_TOKEN to a valid ` +
            "access token, or log in with `hf auth login`";
    case 403:
      return token === null
        ? `${id} is gated. ${ask} and ${logIn}`
        : `the account of the token in ${token.source} has no access to ${id}. ${ask}; a fine-grained token also needs the ` +
            "permission to read gated models";
    case 404:
      return `there is no ${noun} ${id}, or it lacks the file. Check the name`;
    case 429:
      return token === null
        ? `too many requests. Wait some minutes, or ${logIn}`
        : "too many requests. Wait some minutes";
    default:
      return null;
  }
}
