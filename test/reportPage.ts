import { buildReportPage } from "../scripts/pages.ts";

/** HTML reports contain the report page as it is built, so tests of them have it built first. */
export default function setup(): Promise<void> {
  return buildReportPage();
}
