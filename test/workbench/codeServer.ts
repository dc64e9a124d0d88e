import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { type EditorSettings, quietSettings } from "./editorSettings.ts";
import { linkExtension } from "./extensionFolder.ts";
import { installCodeServer } from "./install.ts";
import { markedProcesses, type ShownProcess } from "./processes.ts";

/** An entry of keybindings.json. */
export type Keybinding = { readonly key: string; readonly command: string; readonly args?: unknown };

export type CodeServerOptions = {
  /** The workspace. */
  folder: string;
  /** Where the editor keeps its settings, state and extensions. What is there already stays. */
  home: string;
  /** Whether the workspace is trusted. A restricted one opens without a question. */
  trust: "trusted" | "restricted";
  /** Beside `quietSettings`. */
  settings?: EditorSettings;
  /** Keys of the person's own, which call any command, also one that no menu shows. */
  keybindings?: readonly Keybinding[];
  /** 0 or absent: any free one. */
  port?: number;
};

/** A VS Code that is served on this machine. */
export type CodeServer = {
  /** The address that opens the workspace. */
  url: string;
  /** What the server has written so far. */
  log(): string;
  /** What runs now and was started from the server, itself included. */
  processes(): Promise<ShownProcess[]>;
  /** Ends the server and everything that was started from it, also runs. */
  stop(): Promise<void>;
};

/**
 * Starts code-server with the built extension on `options.folder`, and resolves once it answers.
 *
 * @throws when code-server cannot be installed or does not start.
 */
export async function startCodeServer(options: CodeServerOptions): Promise<CodeServer> {
  const entry = await installCodeServer();
  const { folder, home, trust } = options;
  const user = join(home, "user");
  const extensions = join(home, "extensions");
  const settingsPath = join(user, "User/settings.json");
  await linkExtension(extensions);
  await mkdir(join(user, "User"), { recursive: true });
  const settings = { ...quietSettings, ...options.settings };
  await writeFile(settingsPath, JSON.stringify(settings, null, 2), { flag: "wx" }).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });

  if (options.keybindings) {
    await writeFile(join(user, "User/keybindings.json"), JSON.stringify(options.keybindings));
  }

  const mark = randomUUID();
  const child = execa(
    process.execPath,
    [
      join(import.meta.dirname, "codeServerChild.ts"),
      ...[mark, entry],
      ...["--auth", "none", "--bind-addr", `127.0.0.1:${options.port ?? 0}`],
      ...["--config", join(home, "config.yaml"), "--user-data-dir", user, "--extensions-dir", extensions],
      ...["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"],
      ...(trust === "trusted" ? ["--disable-workspace-trust"] : []),
      folder,
    ],
    {
      ipc: true,
      reject: false,
      buffer: false,
      all: true,
      stdin: "ignore",
      // It ends what it started before it ends itself, and that takes as long as a run needs to save.
      forceKillAfterDelay: false,
      // An editor around this one must not be asked to open the folder instead.
      env: { VSCODE_IPC_HOOK_CLI: undefined },
    },
  );
  const lines: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.all }).on("line", (line) => {
      lines.push(line);
      const found = /HTTP server listening on (http:\/\/\S+)/.exec(line);
      if (found) resolve(found[1]!);
    });
    child.then(() => reject(new Error(`code-server ended before it answered:\n${lines.join("\n")}`)), reject);
  });
  const url = new URL(address);
  url.searchParams.set("folder", folder);
  return {
    url: url.href,
    log: () => lines.join("\n"),
    processes: () => markedProcesses(mark),
    async stop() {
      child.kill();
      await child;
    },
  };
}
