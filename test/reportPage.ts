import { buildFilePages } from "../scripts/pages.ts";

/** HTML reports and results contain their page as it is built, so tests of them have it built first. */
export default function setup(): Promise<void> {
  return buildFilePages();
}
