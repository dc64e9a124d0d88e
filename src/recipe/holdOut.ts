/**
 * Categories of a suite that are held out of training: a recipe names them once, and every source that trains leaves them out while every
 * suite of the evaluation takes them alone. So what is trained on and what is tested on are disjoint whatever else the recipe says.
 */
import { basename } from "node:path";
import type { Recipe } from "../protocol/recipe.ts";
import type { Source } from "../protocol/source.ts";
import { isOwnSuite, type Suite } from "../protocol/suite.ts";
import { suitePrefix } from "../suites/locate.ts";
import { publishedFile } from "../suites/published.ts";
import { knownSuites } from "../suites/registry.ts";

/** The categories that are held out, by the id of their suite. */
export type HeldOut = ReadonlyMap<string, readonly string[]>;

/** What a recipe holds out: with each category all that belong to its family, such as a type of XSTest and its contrast. */
export function heldOut({ data }: Recipe): HeldOut {
  return new Map(
    data.holdOut.map(({ suite, kinds }) => {
      const families = Object.entries(familiesOf(suite));
      const whole = kinds.flatMap((kind) => {
        const own = families.find(([family, members]) => family === kind || members.includes(kind));
        return own?.[1] ?? [kind];
      });
      return [suite, [...new Set(whole)]];
    }),
  );
}

function familiesOf(suite: string): Readonly<Record<string, readonly string[]>> {
  const known = knownSuites.find(({ id }) => id === suite);
  return known?.task === "refusal" ? (known.families ?? {}) : {};
}

/** A source that trains, without what is held out of the suite that its file is of. */
export function withoutHeldOut(source: Source, held: HeldOut): Source {
  const kinds = held.get(suiteOf(source) ?? "");
  return kinds === undefined ? source : { ...source, exceptKinds: [...(source.exceptKinds ?? []), ...kinds] };
}

/** The known suite that the file of a source is of, by its name. */
function suiteOf({ file }: Source): string | undefined {
  if (file.startsWith(suitePrefix)) return file.slice(suitePrefix.length).split("/")[0];
  return publishedFile(basename(file))?.suite.id;
}

/** A suite of the evaluation, of which only what is held out is taken. */
export function onlyHeldOut(suite: Suite, held: HeldOut): Suite {
  const only = (id: string | undefined, own: readonly string[] | undefined) => {
    const kinds = held.get(id ?? "");
    return kinds?.filter((kind) => own === undefined || own.includes(kind));
  };
  if (isOwnSuite(suite)) {
    const kinds = only(suiteOf(suite.source), suite.source.kinds);
    return kinds === undefined ? suite : { ...suite, source: { ...suite.source, kinds } };
  }
  const kinds = only(suite.suite, suite.kinds);
  return kinds === undefined ? suite : { ...suite, kinds };
}

/** What a report says of categories that are held out, in whole sentences. */
export function holdOutNotes(recipe: Recipe): string[] {
  return [...heldOut(recipe)].map(
    ([suite, kinds]) =>
      `Categories of ${suite} are held out: nothing is trained on ${kinds.join(", ")}, and ${suite} is evaluated on these alone.`,
  );
}

/** Categories that no suite has, a suite that is named twice, and a suite of the evaluation of which nothing would be left. */
export function holdOutFaults(recipe: Recipe): { path: PropertyKey[]; message: string }[] {
  const { data, evaluate } = recipe;
  const held = heldOut(recipe);
  const empty = evaluate.suites.flatMap((suite, i) => {
    const only = onlyHeldOut(suite, held);
    const kinds = isOwnSuite(only) ? only.source.kinds : only.kinds;
    const path = ["evaluate", "suites", i];
    return kinds?.length === 0
      ? [
          {
            path,
            message: "None of its kinds is held out (data.holdOut), so nothing of it would be evaluated.",
          },
        ]
      : [];
  });
  const ids = data.holdOut.map(({ suite }) => suite);
  const faults = data.holdOut.flatMap(({ suite, kinds }, i) => {
    const path = ["data", "holdOut", i];
    const first = ids.indexOf(suite);
    const families = familiesOf(suite);
    const members = Object.values(families).flat();
    const unknown =
      members.length === 0 ? [] : kinds.filter((kind) => !(kind in families) && !members.includes(kind));
    return [
      ...(first === i
        ? []
        : [
            {
              path: [...path, "suite"],
              message: `The same as data.holdOut[${first}].suite. Name its categories there.`,
            },
          ]),
      ...unknown.map((kind) => ({
        path: [...path, "kinds"],
        message: `${suite} has no category "${kind}". There are: ${Object.keys(families).join(", ")}.`,
      })),
    ];
  });
  return [...faults, ...empty];
}
