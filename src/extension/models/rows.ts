import { basename } from "node:path";
import { byteSize } from "../../wording/numbers.ts";
import { type ModelDetails, modelSummary } from "./details.ts";
import type { Model, Place, PlaceKind } from "./find.ts";

/** How a row of the Models view looks, and what its menus know it by. */
export interface Row {
  readonly description: string;
  readonly icon: string;
  /** Id of the icon's colour; the theme's own where left out. */
  readonly colour?: string;
  readonly context: string;
}

const placeIcons: Readonly<Record<PlaceKind, string>> = {
  workspace: "root-folder",
  folder: "folder",
  home: "home",
  cache: "cloud",
};

/** The row of a place: how many models it has, and how large they are where that is known. */
export function placeRow({ kind }: Place, models: readonly Model[]): Row {
  const sizes = models.map(({ bytes }) => bytes);
  const whole = sizes.reduce<number | null>(
    (sum, size) => (sum === null || size === null ? null : sum + size),
    0,
  );
  const counts = [counted(models, "model"), counted(models, "adapter")].filter((text) => text !== "");
  return {
    description: [...counts, ...(whole === null ? [] : [byteSize(whole)])].join(" · "),
    icon: placeIcons[kind],
    context: "place",
  };
}

function counted(models: readonly Model[], noun: Model["kind"]): string {
  const { length } = models.filter(({ kind }) => kind === noun);
  if (length === 0) return "";
  return length === 1 ? `1 ${noun}` : `${length} ${noun}s`;
}

/**
 * The row of a model.
 *
 * @param inspected what the engine found in it, or why it cannot be used; undefined where it has not been asked.
 */
export function modelRow(
  model: Model,
  inspected: { readonly details: ModelDetails } | { readonly problem: string } | undefined,
): Row {
  const hub = model.hub === null ? "" : "+hub";
  if (model.problem !== null) {
    return { ...warned(model.problem), context: `model+${model.incomplete ? "incomplete" : "broken"}${hub}` };
  }
  if (inspected !== undefined && "problem" in inspected) {
    const description = `cannot be used: ${inspected.problem}`;
    return { description, icon: "error", colour: "list.errorForeground", context: `model+broken${hub}` };
  }
  const size = model.bytes === null ? "" : byteSize(model.bytes);
  return {
    description: inspected === undefined ? size : modelSummary(inspected.details),
    icon: "package",
    context: `model${hub}`,
  };
}

/** The row of an adapter, with the model that it was trained on. */
export function adapterRow({ problem, incomplete, base, hub }: Model): Row {
  const ending = hub === null ? "" : "+hub";
  if (problem !== null) {
    return { ...warned(problem), context: `adapter+${incomplete ? "incomplete" : "broken"}${ending}` };
  }
  const description = base === null ? "adapter" : `adapter of ${basename(base.replaceAll("\\", "/"))}`;
  return { description, icon: "extensions", context: `adapter${ending}` };
}

function warned(description: string): Omit<Row, "context"> {
  return { description, icon: "warning", colour: "list.warningForeground" };
}
