import * as vscode from "vscode";
import type { EndpointInput } from "../../protocol/judges.ts";
import { keyFault, type SchemeChoice, urlFault } from "./newBenchmark.ts";

/**
 * Asks where a judge behind an API is, and what it is asked. The key itself is stored by a command of its own.
 *
 * @param title of each step.
 * @param schemes what it may be asked.
 * @param written the path of a file, as it is written down.
 * @returns undefined where the person left.
 */
export async function askEndpoint(
  title: string,
  schemes: readonly SchemeChoice[],
  written: (file: vscode.Uri) => string,
): Promise<EndpointInput | undefined> {
  const url = await vscode.window.showInputBox({
    title,
    prompt: "Base address of an OpenAI-compatible API; prompts and answers are sent there",
    placeHolder: "https://api.example.org/v1",
    validateInput: urlFault,
  });
  if (url === undefined) return undefined;
  const model = await vscode.window.showInputBox({
    title,
    prompt: "Model that the service is asked for",
    validateInput: (text) => (text.trim() === "" ? "Name a model." : null),
  });
  if (model === undefined) return undefined;
  const key = await vscode.window.showInputBox({
    title,
    prompt:
      'Environment variable with the key, or its name in "Discern: Set API Key for a Judge…"; empty for none',
    validateInput: keyFault,
  });
  if (key === undefined) return undefined;
  const asked = await vscode.window.showQuickPick(
    schemes.map((choice) => ({ label: choice.label, description: choice.about, choice })),
    { title, placeHolder: "What it is asked about an answer" },
  );
  if (asked === undefined) return undefined;
  const { scheme, needsTemplate, label } = asked.choice;
  const judge = { type: "endpoint", url, model, scheme, ...(key !== "" && { key }) } as const;
  if (!needsTemplate) return judge;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: `${label}: a Text File with {prompt} and {response}`,
      openLabel: "Ask by This Text",
    })) ?? [];
  return file && { ...judge, template: written(file) };
}
