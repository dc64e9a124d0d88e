import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Uri } from "vscode";
import { PromptFile } from "../../../src/extension/prompts/prompt_file.ts";
import { tempFolder } from "../../temp_folder.ts";

/** A prompt file with this content, not yet read, in a folder that is gone when the running test is. */
export function promptFile(name: string, content: string): PromptFile {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  return new PromptFile({ fsPath: path, toString: () => `file://${path}` } as Uri, name);
}

/** A CSV file of prompts, one "prompt,label,kind" a line. */
export async function readCsv(...lines: string[]): Promise<PromptFile> {
  const file = promptFile("prompts.csv", `prompt,label,kind\n${lines.join("\n")}\n`);
  await file.read();
  return file;
}
