import type { Words } from "../../../src/extension/figures.ts";

/** English as it stands in the source, with its figures put in. */
export const english: Words = {
  t: (message, ...args) => message.replace(/\{(\d+)\}/g, (_, i) => String(args[Number(i)])),
};
