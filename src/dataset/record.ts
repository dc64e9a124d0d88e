import type { Label } from "../protocol/label.ts";
import { sha256 } from "../storage/hash.ts";

/** One prompt of a file. */
export interface PromptRecord {
  /** Content hash: the same words have the same id in every file. */
  id: string;
  /** The whole user turn, without surrounding white space; an Alpaca `input` stands below its instruction, a HarmBench context before its behaviour. */
  prompt: string;
  response?: string;
  label?: Label;
  /** What the file's label column says, where that means no label. */
  labelText?: string;
  /** Why a prompt looks toxic, or its topic: `homonyms`, `contrast_definitions`, … */
  kind?: string;
  /** Name shared by a toxic prompt and its seemingly toxic twin. */
  pair?: string;
  split?: string;
  /** What the file calls the prompt, where a column of ids was named. */
  fileId?: string;
  /** Base name of the file. */
  source: string;
  /** 1-based line on which the record starts; 1-based row for .json and .parquet. */
  line: number;
}

/** The first 16 hex digits of the SHA-256 of the NFC-normalised prompt without surrounding white space. */
export function promptId(prompt: string): string {
  return sha256(prompt.normalize("NFC").trim()).slice(0, 16);
}
