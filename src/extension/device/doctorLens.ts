import * as vscode from "vscode";
import type { CommandId } from "../contributionTypes.ts";
import { doctorScheme } from "../engine/doctor.ts";
import { headings } from "../engine/health.ts";

interface Action {
  readonly heading: string;
  readonly title: string;
  readonly command: CommandId;
  readonly tooltip: string;
}

const actions: readonly Action[] = [
  {
    ...{ heading: headings.machine, title: "$(refresh) Check Again", command: "discern.engine.doctor" },
    tooltip: "Ask every Python and time every device again",
  },
  {
    ...{ heading: headings.pythons, title: "$(add) Set Up PyTorch…", command: "discern.torch.install" },
    tooltip:
      "Make a Python environment with PyTorch, by uv or venv; it says what is installed, and asks before",
  },
  {
    ...{ heading: headings.auto, title: "$(chip) Choose Default Device…", command: "discern.device.choose" },
    tooltip: "Where models are computed, unless a recipe names backend or device",
  },
];

/** What can be done about what the doctor found, above its headings. */
export const doctorLens: vscode.CodeLensProvider = {
  provideCodeLenses(document) {
    const lines = document.getText().split("\n");
    return actions.flatMap(({ heading, title, command, tooltip }) => {
      const line = lines.indexOf(heading);
      if (line < 0) return [];
      return [new vscode.CodeLens(new vscode.Range(line, 0, line, 0), { title, command, tooltip })];
    });
  },
};

/** Registers the lenses. */
export function registerDoctorLens(): vscode.Disposable {
  return vscode.languages.registerCodeLensProvider({ scheme: doctorScheme }, doctorLens);
}
