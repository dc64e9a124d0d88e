import type { Report } from "../../../protocol/report.ts";

/** What the parts of the report page build elements with. */
export interface Elements {
  /**
   * An element with attributes and children; strings become text nodes, never markup. A child may be a list of them: what
   * grows with the data is no argument of its own, since a call has room for some 100,000.
   */
  el(
    tag: string,
    attributes?: Record<string, string>,
    ...children: (Node | string | readonly (Node | string)[])[]
  ): HTMLElement;
  /** A table in a <details>, so that every chart can be read as numbers. */
  data(title: string, header: string[], rows: string[][]): HTMLElement;
  table(header: string[], rows: string[][], caption?: string): HTMLElement;
  percent(value: number): string;
  points(value: number): string;
  figure(value: number): string;
  /** A figure with its sign, for differences. */
  signed(value: number): string;
  interval(format: (value: number) => string, estimate: { lower: number; upper: number }): string;
  section(
    title: string,
    about: string,
    ...children: (Node | string | readonly (Node | string)[])[]
  ): HTMLElement;
  /** Names of the arms in the order of the report. */
  arms: string[];
  /** The CSS custom property that holds the colour of an arm. */
  colourOf(arm: string): string;
}

/**
 * Runs inside the report page: it is embedded as source text, so it may use nothing from outside itself but the browser
 * and its argument.
 */
export function elements(report: Report): Elements {
  const arms = [...new Set(report.arms.map(({ name }) => name))];
  const el: Elements["el"] = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    for (const child of children.flat()) element.append(child);
    return element;
  };
  const isNumber = (text: string) => /^[−+\d.<–]/.test(text);
  const table: Elements["table"] = (header, rows, caption) =>
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        {},
        caption ? [el("caption", {}, caption)] : [],
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            header.map((text) => el("th", { scope: "col" }, text)),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map((row) =>
            el(
              "tr",
              {},
              row.map((text) => el("td", isNumber(text) ? { class: "number" } : {}, text)),
            ),
          ),
        ),
      ),
    );
  const minus = (text: string) => text.replace("-", "−");
  return {
    el,
    table,
    data: (title, header, rows) => el("details", {}, el("summary", {}, title), table(header, rows)),
    percent: (value) => `${(100 * value).toFixed(1)} %`,
    points: (value) => minus(`${value >= 0 ? "+" : ""}${(100 * value).toFixed(1)}`),
    figure: (value) => minus(value.toFixed(3)),
    signed: (value) => minus(`${value >= 0 ? "+" : ""}${value.toFixed(3)}`),
    interval: (format, { lower, upper }) => `${format(lower)} to ${format(upper)}`,
    section: (title, about, ...children) =>
      el(
        "section",
        {},
        el("h2", {}, title),
        about ? [el("p", { class: "about" }, about)] : [],
        children.flat(),
      ),
    arms,
    colourOf: (arm) => `--arm-${Math.max(0, arms.indexOf(arm)) % 6}`,
  };
}
