import type { Arm, PromptResult, Report } from "../../../protocol/report.ts";
import type { Elements } from "./elements.ts";

/**
 * The prompts with the answers of two arms side by side, filtered by suite, outcome and words. Runs inside the report
 * page: it is embedded as source text, so it may use nothing from outside itself but the browser and its arguments.
 */
export function browse(report: Report, { el, percent }: Elements): HTMLElement {
  const PAGE = 20;
  const nameOf = ({ name, seed }: Arm) => `${name}, seed ${seed}`;
  const key = ({ suite, id }: PromptResult) => `${suite}\n${id}`;
  // The rule of `outcomeOf`, which cannot be reached from here.
  const undetermined = ({ verdict, human }: PromptResult) => (human ?? verdict) === "undetermined";
  const complied = ({ verdict, human }: PromptResult) => (human ?? verdict) === "full_compliance";
  const refused = (result: PromptResult) => !complied(result) && !undetermined(result);

  type Pair = { before: PromptResult; after: PromptResult };
  const outcomes: [name: string, test: (pair: Pair) => boolean][] = [
    ["every prompt", () => true],
    [
      "every flip",
      ({ before, after }) => (refused(before) && complied(after)) || (complied(before) && refused(after)),
    ],
    [
      "lost safety: unsafe, now answered",
      ({ before, after }) => before.unsafe && refused(before) && complied(after),
    ],
    [
      "gained safety: unsafe, now refused",
      ({ before, after }) => before.unsafe && complied(before) && refused(after),
    ],
    [
      "regained help: safe, now answered",
      ({ before, after }) => !before.unsafe && refused(before) && complied(after),
    ],
    [
      "lost help: safe, now refused",
      ({ before, after }) => !before.unsafe && complied(before) && refused(after),
    ],
    ["failure: safe, refused by the right arm", ({ after }) => !after.unsafe && refused(after)],
    ["failure: unsafe, answered by the right arm", ({ after }) => after.unsafe && complied(after)],
    ["undetermined under either arm", ({ before, after }) => undetermined(before) || undetermined(after)],
  ];

  const select = (label: string, options: string[], chosen: number) => {
    const box = el(
      "select",
      {},
      options.map((text, i) => el("option", { value: String(i) }, text)),
    );
    (box as HTMLSelectElement).value = String(chosen);
    return { box: box as HTMLSelectElement, field: el("label", {}, label, box) };
  };
  const suites = [...new Set(report.arms.flatMap(({ results }) => results.map(({ suite }) => suite)))];
  const names = report.arms.map(nameOf);
  const last = report.arms.length - 1;
  // The arm before the last recipe, with the seed of the last arm, is what a reader most wants to compare with.
  const beforeLast = report.arms.findLastIndex(
    ({ name, seed }) => name !== report.arms[last]?.name && seed === report.arms[last]?.seed,
  );
  const left = select("Left", names, Math.max(0, beforeLast));
  const right = select("Right", names, last);
  const suite = select("Suite", ["every suite", ...suites], 0);
  const outcome = select(
    "Show",
    outcomes.map(([name]) => name),
    report.arms.length > 1 ? 1 : 0,
  );
  const search = el("input", {
    type: "search",
    placeholder: "Words in prompt or answer",
  }) as HTMLInputElement;
  const count = el("p", { class: "muted", role: "status" });
  const list = el("div", { class: "answers" });
  const more = el("button", { type: "button" }, "Show more") as HTMLButtonElement;

  const answer = (arm: string, result: PromptResult) =>
    el(
      "div",
      { class: "answer" },
      el(
        "p",
        { class: "who" },
        el("span", {}, arm),
        el(
          "span",
          {
            class: undetermined(result)
              ? "tag"
              : refused(result) === result.unsafe
                ? "tag right"
                : "tag wrong",
          },
          undetermined(result)
            ? "undetermined"
            : refused(result)
              ? result.human === "partial_refusal"
                ? "partly refused"
                : "refused"
              : "answered",
        ),
        result.human ? [el("span", { class: "tag" }, "judged by a person")] : [],
        el("span", { class: "muted" }, `refusal probability ${percent(result.refusalProbability)}`),
      ),
      el("blockquote", {}, result.response.trim() === "" ? "(no words)" : result.response.trim()),
      result.reasoning
        ? [el("details", {}, el("summary", {}, "Reasoning"), el("blockquote", {}, result.reasoning))]
        : [],
    );

  const item = ({ before, after }: Pair) =>
    el(
      "article",
      {},
      el(
        "h4",
        {},
        before.prompt,
        el("span", { class: "tag" }, before.unsafe ? "unsafe" : "safe"),
        el("span", { class: "muted" }, [before.suite, before.kind].filter(Boolean).join(" · ")),
      ),
      el(
        "div",
        { class: "pair" },
        answer(names[Number(left.box.value)] ?? "", before),
        left.box.value === right.box.value ? [] : [answer(names[Number(right.box.value)] ?? "", after)],
      ),
    );

  let shown = PAGE;
  const update = () => {
    const [first, second] = [left, right].map(({ box }) => report.arms[Number(box.value)]?.results ?? []);
    const after = new Map(second!.map((result) => [key(result), result]));
    const words = search.value.toLowerCase();
    const test = outcomes[Number(outcome.box.value)]![1];
    const pairs = first!
      .flatMap((before): Pair[] => {
        const other = after.get(key(before));
        return other ? [{ before, after: other }] : [];
      })
      .filter((pair) => suite.box.value === "0" || pair.before.suite === suites[Number(suite.box.value) - 1])
      .filter(test)
      .filter(({ before, after: other }) =>
        [before.prompt, before.response, other.response].some((text) => text.toLowerCase().includes(words)),
      );
    count.textContent = `${pairs.length} of ${first!.length} prompts`;
    list.replaceChildren();
    for (const pair of pairs.slice(0, shown)) list.append(item(pair));
    more.hidden = pairs.length <= shown;
  };
  const restart = () => {
    shown = PAGE;
    update();
  };
  for (const control of [left.box, right.box, suite.box, outcome.box, search])
    control.addEventListener("input", restart);
  more.addEventListener("click", () => {
    shown += 5 * PAGE;
    update();
  });
  restart();
  const fields = [left.field, right.field, suite.field, outcome.field, el("label", {}, "Search", search)];
  return el("div", {}, el("form", { class: "filters" }, fields), count, list, more);
}
