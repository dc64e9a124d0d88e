import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { withHome } from "../storage/homeFolder.ts";

/** Where the Hugging Face libraries keep their files: `HF_HOME`, or `huggingface` in `XDG_CACHE_HOME` or `~/.cache`. */
export function hubHome(): string {
  return folderOf(
    process.env.HF_HOME || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"),
  );
}

/** The cache of models that huggingface_hub and transformers share: `HF_HUB_CACHE`, or `hub` in {@link hubHome}. */
export function hubCacheHome(): string {
  const named = process.env.HF_HUB_CACHE || process.env.HUGGINGFACE_HUB_CACHE;
  return named ? folderOf(named) : join(hubHome(), "hub");
}

/** The file that holds the token of `hf auth login`: `HF_TOKEN_PATH`, or `token` in {@link hubHome}. */
export function hubTokenFile(): string {
  const named = process.env.HF_TOKEN_PATH;
  return named ? folderOf(named) : join(hubHome(), "token");
}

/** A path of the environment as Python reads it: with `~` and variables in it. Unknown variables stay as they are. */
function folderOf(named: string): string {
  return resolve(
    withHome(named).replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain?: string, braced?: string) => {
      return process.env[plain ?? braced ?? ""] ?? whole;
    }),
  );
}
