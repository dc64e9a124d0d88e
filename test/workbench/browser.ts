import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Chromium for the workbench tests: `DISCERN_CHROMIUM`, or Debian's. */
const executablePath = process.env.DISCERN_CHROMIUM ?? "/usr/bin/chromium";

/** @throws when there is no Chromium where it is looked for. */
export function requireChromium(): void {
  if (existsSync(executablePath)) return;
  throw new Error(`${executablePath} does not exist. Install Chromium, or name one in DISCERN_CHROMIUM.`);
}

/**
 * Starts Chromium without a window and without any traffic of its own.
 *
 * @throws when there is no Chromium where it is looked for.
 */
export async function launchChromium(): Promise<Browser> {
  requireChromium();
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
