import type { ExtensionContext, SecretStorage } from "vscode";

/** Put before the name of an environment variable in the store of secrets. */
const prefix = "discern.key.";
/** Where the names are kept; they are no secret. */
const namesKey = "discern.keys";

/** What a judge's key may be called: the name of an environment variable, as recipes name it. */
export const keyName = /^[A-Za-z_]\w*$/;

/**
 * Keys of judges behind an API. They lie in VS Code's store of secrets, and reach the engine as environment variables of its
 * process alone: no file, setting, recipe or log has them.
 */
export class JudgeKeys {
  private readonly secrets: Pick<SecretStorage, "get" | "store" | "delete">;
  private readonly memory: Pick<ExtensionContext["globalState"], "get" | "update">;

  constructor({
    secrets,
    globalState,
  }: {
    readonly secrets: Pick<SecretStorage, "get" | "store" | "delete">;
    readonly globalState: Pick<ExtensionContext["globalState"], "get" | "update">;
  }) {
    this.secrets = secrets;
    this.memory = globalState;
  }

  /** Names of the keys that are stored. */
  get names(): readonly string[] {
    return this.memory.get<readonly string[]>(namesKey, []);
  }

  /** Stores a key, or removes it where it is empty. @throws RangeError for what no environment variable is called. */
  async set(name: string, key: string): Promise<void> {
    if (!keyName.test(name)) throw new RangeError(`"${name}" is not the name of an environment variable.`);
    const others = this.names.filter((other) => other !== name);
    if (key === "") await this.secrets.delete(`${prefix}${name}`);
    else await this.secrets.store(`${prefix}${name}`, key);
    await this.memory.update(namesKey, key === "" ? others : [...others, name].sort());
  }

  /** The environment variables that an engine is started with. */
  async environment(): Promise<Readonly<Record<string, string>>> {
    const found = await Promise.all(
      this.names.map(async (name) => [name, await this.secrets.get(`${prefix}${name}`)] as const),
    );
    return Object.fromEntries(
      found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined),
    );
  }
}

/** The names of keys that the judges of a file's text ask for. */
export function keysNamedIn(text: string): string[] {
  const found = [...text.matchAll(/"key"\s*:\s*"([^"]+)"/g)].map(([, name]) => name!);
  return [...new Set(found)].filter((name) => keyName.test(name));
}
