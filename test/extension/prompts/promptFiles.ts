import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PromptFile } from "../../../src/extension/prompts/promptFile.ts";
import { tempFolder } from "../../tempFolder.ts";

/** A prompt file with this content, not yet read, in a folder that is gone when the running test is. */
export function promptFile(name: string, content: string): PromptFile {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  // As much of the editor's address as a prompt file looks at.
  const uri = { fsPath: path, toString: () => `file://${path}` };
  return new PromptFile(uri as ConstructorParameters<typeof PromptFile>[0], name);
}

/** A CSV file of prompts, one "prompt,label,kind" a line. */
export async function readCsv(...lines: string[]): Promise<PromptFile> {
  const file = promptFile("prompts.csv", `prompt,label,kind\n${lines.join("\n")}\n`);
  await file.read();
  return file;
}
