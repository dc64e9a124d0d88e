import * as vscode from "vscode";
import { runCommand, setting } from "../contributions.ts";
import type { Measured } from "./measured.ts";
import { type NamedPlace, type PlaceItem, placeItems } from "./places.ts";

/** The default place, as the settings have it. */
export function setPlace(): NamedPlace {
  return { backend: setting("discern.backend"), device: setting("discern.device") };
}

/** Asks where models are computed unless a recipe says it, with what was measured, and writes the settings. */
export async function chooseDevice(measured: Measured): Promise<void> {
  const measure = { label: "$(pulse) Check This Machine", detail: "Measures every place; takes minutes" };
  const separator = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const items: readonly (vscode.QuickPickItem & Partial<PlaceItem>)[] = [
    ...placeItems(setPlace(), measured.choices),
    separator,
    measure,
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Default Device",
    placeHolder: "Where models are computed, unless a recipe names backend or device",
    matchOnDescription: true,
  });
  if (chosen === undefined) return;
  const { backend, device } = chosen;
  if (backend === undefined || device === undefined) {
    await runCommand("discern.engine.doctor");
    return;
  }
  await write("discern.backend", backend);
  await write("discern.device", device);
}

/** A device belongs to a machine, so it is written for the person, unless the workspace has a value, which would win. */
async function write(key: "discern.backend" | "discern.device", value: string): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const { workspaceValue, defaultValue } = configuration.inspect(key) ?? {};
  const target =
    workspaceValue === undefined ? vscode.ConfigurationTarget.Global : vscode.ConfigurationTarget.Workspace;
  const isDefault = value === defaultValue && target === vscode.ConfigurationTarget.Global;
  await configuration.update(key, isDefault ? undefined : value, target);
}
