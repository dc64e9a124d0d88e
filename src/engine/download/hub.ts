import { DiscernError } from "../../protocol/errors.ts";

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

/** The hub was reached and did not give what was asked for. */
export class HubRefusal extends DiscernError {}

/** Something on the hub. */
export interface HubRepository {
  readonly type: "model" | "dataset";
  /** owner/name. */
  readonly id: string;
}

/** Address of the hub, or of the mirror that `HF_ENDPOINT` names. */
export function hubAddress(): string {
  return (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
}

/** Page of a model or data set, and what the addresses of its files begin with. */
export function hubPage({ type, id }: HubRepository): string {
  return `${hubAddress()}/${type === "model" ? "" : "datasets/"}${id}`;
}

/** What opens gated repositories to the account of `HF_TOKEN`. */
export function hubHeaders(): Record<string, string> {
  const token = process.env.HF_TOKEN;
  return token ? { authorization: `Bearer ${token}` } : {};
}

/**
 * What the hub's refusal means and what to do about it. The hub answers 401 also for a repository that
 * does not exist, so that nobody can find out which private ones do.
 *
 * @returns null for a status that says no more than its number.
 */
export function hubRefusal(repository: HubRepository, status: number): HubRefusal | null {
  const { id } = repository;
  const noun = repository.type === "model" ? "model" : "data set";
  const page = hubPage(repository);
  const token = Boolean(process.env.HF_TOKEN);
  const meaning: Record<number, string> = {
    401: token
      ? `the hub answered 401: it does not accept the token in HF_TOKEN, or there is no ${noun} ${id}. Check the name, ` +
        "and set HF_TOKEN to a valid access token"
      : `the hub answered 401: ${id} is gated or private, or does not exist. Check the name, ask for access on ` +
        `${page}, and set HF_TOKEN to an access token of that account`,
    403: token
      ? `the hub answered 403: the account of HF_TOKEN has no access to ${id}. Ask for access on ${page}; a ` +
        "fine-grained token also needs the permission to read gated models"
      : `the hub answered 403: ${id} is gated. Ask for access on ${page}, and set HF_TOKEN to an access token of ` +
        "that account",
    404: `the hub answered 404: there is no ${noun} ${id}, or it lacks the file. Check the name`,
    429: "the hub answered 429: too many requests. Wait some minutes, or set HF_TOKEN to an access token",
  };
  const text = meaning[status];
  return text === undefined ? null : new HubRefusal("download-failed", `${text}.`);
}
