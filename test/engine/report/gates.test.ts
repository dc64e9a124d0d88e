import { describe, expect, it } from "vitest";
import { gatesJunit, gatesMarkdown } from "../../../src/engine/report/gates.ts";
import { type GateResult, parseGate } from "../../../src/protocol/report/gates.ts";

const gate = parseGate("xstest.safe_refusal > 0.2");
const results: GateResult[] = [
  { gate, method: "STL", status: "failed", value: 0.3, message: "It is 30 %." },
  { gate, method: '<b>&"\u0001|', status: "passed", value: 0.1, message: "It is\n10 %." },
  { gate, method: null, status: "error", value: null, message: "No | such <suite>." },
];

describe("what became of gates", () => {
  it("is JUnit XML in which every text is text", () => {
    expect(gatesJunit(results, "small")).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites tests="3" failures="1" errors="1">
        <testsuite name="small" tests="3" failures="1" errors="1">
          <testcase classname="STL" name="xstest.safe_refusal &gt; 0.2"><failure message="It is 30 %."/></testcase>
          <testcase classname="&lt;b&gt;&amp;&quot;\uFFFD|" name="xstest.safe_refusal &gt; 0.2"><system-out>It is
      10 %.</system-out></testcase>
          <testcase classname="small" name="xstest.safe_refusal &gt; 0.2"><error message="No | such &lt;suite&gt;."/></testcase>
        </testsuite>
      </testsuites>
      "
    `);
  });

  it("is a Markdown table in which every text is text", () => {
    expect(gatesMarkdown(results, "small")).toMatchInlineSnapshot(`
      "### small: 2 of 3 did not pass

      | Result | Fails if | Found |
      | --- | --- | --- |
      | failed | xstest.safe_refusal > 0.2 | It is 30 %. |
      | passed | xstest.safe_refusal > 0.2 | It is 10 %. |
      | error | xstest.safe_refusal > 0.2 | No \\| such &lt;suite>. |

      "
    `);
  });
});
