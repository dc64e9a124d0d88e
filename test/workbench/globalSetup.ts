import type { TestProject } from "vitest/node";
import { requireChromium } from "./browser.ts";
import { installCodeServer } from "./install.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Why no workbench can be opened on this machine, or null. */
    missingForWorkbench: string | null;
  }
}

/** Runs once, before the first workbench test: gets what they need, or says why they cannot run. */
export default async function setup(project: TestProject): Promise<void> {
  let missing: string | null = null;
  try {
    requireChromium();
    await installCodeServer();
  } catch (error) {
    missing = (error as Error).message;
    process.stderr.write(`The workbench tests cannot run. ${missing}\n`);
  }
  project.provide("missingForWorkbench", missing);
}
