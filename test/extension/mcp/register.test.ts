import { resolve } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";

/** As much of the editor as offering servers needs. */
const editor = vi.hoisted(() => ({
  lm: undefined as unknown,
  McpStdioServerDefinition: undefined as unknown,
  EventEmitter: class {
    event = () => ({ dispose() {} });
    fire() {}
    dispose() {}
  },
  Disposable: { from: () => ({ dispose() {} }) },
  workspace: {
    isTrusted: true,
    workspaceFolders: [{ name: "mine", uri: { fsPath: "/mine" } }],
    onDidChangeWorkspaceFolders: () => ({ dispose() {} }),
    onDidGrantWorkspaceTrust: () => ({ dispose() {} }),
    onDidChangeConfiguration: () => ({ dispose() {} }),
    getConfiguration: () => ({
      get: (key: string) => {
        const set: Record<string, unknown> = {
          "discern.runs.folder": "runs",
          "discern.mcp.answers": false,
          "discern.suites.folder": "published",
        };
        return set[key] ?? "";
      },
    }),
  },
  window: { createOutputChannel: () => ({ dispose() {} }) },
}));
vi.mock("vscode", () => editor);

interface Server {
  readonly label: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  cwd?: unknown;
}
type Provider = { provideMcpServerDefinitions: () => Server[] };

async function offered(): Promise<Provider[]> {
  const providers: Provider[] = [];
  const register = (_id: string, provider: Provider) => {
    providers.push(provider);
    return { dispose() {} };
  };
  if (editor.lm) editor.lm = { registerMcpServerDefinitionProvider: register };
  const { registerMcp } = await import("../../../src/extension/mcp/register.ts");
  registerMcp({
    extensionPath: "/extension",
    extension: { packageJSON: { version: "1" } },
  } as never).dispose();
  return providers;
}

beforeEach(() => {
  editor.lm = {};
  editor.workspace.isTrusted = true;
  editor.McpStdioServerDefinition = class {
    label: string;
    args: string[];
    env: Record<string, string>;
    constructor(label: string, _command: string, args: string[], env: Record<string, string>) {
      this.label = label;
      this.args = args;
      this.env = env;
    }
  };
});

test("the server of each folder is offered where the editor knows the Model Context Protocol", async () => {
  const [provider] = await offered();
  const [server] = provider!.provideMcpServerDefinitions();
  expect(server).toMatchObject({ label: "Discern", cwd: { fsPath: "/mine" } });
  expect(server!.args).toEqual(["/extension/dist/cli.js", "mcp", "--", "runs"]);
  expect(server!.env).toEqual({ ELECTRON_RUN_AS_NODE: "1", DISCERN_DATA: resolve("/mine/published") });
  editor.workspace.isTrusted = false;
  expect(provider!.provideMcpServerDefinitions()).toEqual([]);
});

test("an editor that knows nothing of it lacks this and nothing else", async () => {
  editor.lm = undefined;
  expect(await offered()).toEqual([]);
  editor.lm = {};
  editor.McpStdioServerDefinition = undefined;
  expect(await offered()).toEqual([]);
});
