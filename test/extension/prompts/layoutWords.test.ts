import { describe, expect, it } from "vitest";
import {
  isChosen,
  labelValues,
  labelValueWords,
  layoutWords,
  roleWords,
  samplesOf,
  withColumn,
  withLabelValue,
} from "../../../src/extension/prompts/layoutWords.ts";
import type { Layout } from "../../../src/protocol/source.ts";

const layout: Layout = {
  columns: { prompt: "ask", label: "verdict", kind: null },
  labelValues: { "1": "toxic" },
  format: "own",
};

describe("the words for a layout", () => {
  it("says every part of it on one line", () => {
    expect(layoutWords(layout)).toBe(
      "prompt in “ask”, label in “verdict”, no category, “1” means toxic, no published layout",
    );
    expect(layoutWords({ format: "xstest", encoding: "gb18030" })).toBe("layout xstest, gb18030");
    expect([layoutWords({}), isChosen({}), isChosen(layout)]).toEqual(["", false, true]);
  });

  it("tells what was chosen from what was found by name", () => {
    const found = { prompt: "ask", split: "part" };
    expect(roleWords("prompt", layout, found)).toBe("“ask”, chosen");
    expect(roleWords("split", layout, found)).toBe("“part”");
    expect(roleWords("kind", layout, found)).toBe("none, chosen");
    expect(roleWords("pair", layout, found)).toBe("none");
  });

  it("shows texts of a column on one line, however long", () => {
    const rows: Record<string, string>[] = [
      { ask: "How do I\nkill it?" },
      { ask: " " },
      {},
      { ask: "x".repeat(500) },
      { ask: "no" },
    ];
    expect(samplesOf(rows, "ask")).toBe(`How do I kill it?  ·  ${"x".repeat(59)}…`);
  });

  it("says what labels mean, those first that mean none", () => {
    const values = labelValues(
      [
        ["safe", 9],
        ["1", 5],
        ["0", 4],
        ["a", 1],
        ["b", 1],
        ["constructor", 1],
      ],
      layout,
    );
    expect(values.map(({ label }) => label)).toEqual([
      "seemingly_toxic",
      "toxic",
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(labelValueWords(values)).toBe(
      "“0” (4) no label · “a” (1) no label · “b” (1) no label · “constructor” (1) no label · 2 more",
    );
    expect(labelValueWords([])).toBe("the column is empty");
  });
});

describe("changes of a layout", () => {
  it("gives a role a column, none, or the one that is found", () => {
    expect(withColumn({}, "prompt", "ask")).toEqual({ columns: { prompt: "ask" } });
    expect(withColumn(layout, "kind", undefined).columns).toEqual({ prompt: "ask", label: "verdict" });
    expect(withColumn(layout, "split", null)).toEqual({
      ...layout,
      columns: { ...layout.columns, split: null },
    });
  });

  it("forgets what values mean where another column holds the labels", () => {
    expect(withColumn(layout, "label", "other")).not.toHaveProperty("labelValues");
  });

  it("says what a value means, and takes it back", () => {
    const said = withLabelValue(layout, "0", "seemingly_toxic");
    expect(said.labelValues).toEqual({ "1": "toxic", "0": "seemingly_toxic" });
    expect(withLabelValue(said, "1", undefined).labelValues).toEqual({ "0": "seemingly_toxic" });
  });
});
