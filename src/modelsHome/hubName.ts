/** A model of the Hugging Face hub as a person names it: `owner/name`, `owner/name@revision`, `owner/name/file.gguf`. */
export interface HubName {
  /** owner/name, or the name alone of one of the hub's oldest models. */
  readonly id: string;
  /** Branch, tag, or commit, which may be shortened; null for the main branch. */
  readonly revision: string | null;
  /** One GGUF file of several; null for the model as a whole. */
  readonly file: string | null;
}

const part = String.raw`\w[\w.-]*`;
const pattern = new RegExp(`^(${part}(?:/${part})?)(?:@([^@]+?))?((?:/${part})*/${part}\\.gguf)?$`);

/** Reads a name of the hub; null for what is none, such as a path. */
export function parseHubName(text: string): HubName | null {
  const [, id, revision = null, file] = pattern.exec(text) ?? [];
  if (id === undefined || /--|\.\.|\.git$|\.gguf$/.test(id)) return null;
  if (revision !== null && !isRevision(revision)) return null;
  return { id, revision, file: file?.slice(1) ?? null };
}

/** Whether a text can be a revision, and so the path of a file in `refs`: no part of it leads out of that folder. */
export function isRevision(text: string): boolean {
  return /^[\w.+-]+(\/[\w.+-]+)*$/.test(text) && !text.split("/").some((each) => /^\.+$/.test(each));
}

/** As a person names it. */
export function hubNameText({ id, revision, file }: HubName): string {
  return `${id}${revision === null ? "" : `@${revision}`}${file === null ? "" : `/${file}`}`;
}

/** The folder of a model in the cache of the hub. */
export function hubFolderName(id: string): string {
  return ["models", ...id.split("/")].join("--");
}

/** The model that a folder of the cache is of; null for data sets, and for what is no folder of the cache. */
export function idOfHubFolder(name: string): string | null {
  const [type, ...parts] = name.split("--");
  const id = parts.join("/");
  return type === "models" && parseHubName(id)?.id === id ? id : null;
}
