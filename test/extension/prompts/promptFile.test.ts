import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { appendLabels } from "../../../src/dataset/labels.ts";
import { promptFile, readCsv } from "./promptFiles.ts";

describe("a prompt file of the workbench", () => {
  it("is read with its labels", async () => {
    const file = promptFile("prompts.csv", "prompt,label\nWhat is bread?,general\n");
    expect([file.state, file.records]).toEqual(["unread", []]);
    await file.read();
    const [record] = file.records;
    expect(file.state).toBe("ready");
    expect(file.find(record!.id)).toBe(record);
    expect(file.labelOf(record!)).toBe("general");
    await file.labels.decide("ada", [{ id: record!.id, label: "toxic" }]);
    expect(file.labelOf(record!)).toBe("toxic");
    expect(file.decisionOf(record!.id)?.by).toBe("ada");
  });

  it("keeps what is usable beside broken lines", async () => {
    const file = promptFile("prompts.jsonl", '{"prompt":"one"}\n{broken\n{"prompt":"two"}\n');
    await file.read();
    expect(file.records.map(({ prompt }) => prompt)).toEqual(["one", "two"]);
    expect(file.problems.map(({ line }) => line)).toEqual([2]);
  });

  it("waits for a person where no column is known to hold prompts", async () => {
    const file = promptFile("prompts.csv", "first,second\nHow are you?,x\n");
    await expect(file.read()).rejects.toMatchObject({ code: "column-missing" });
    expect(file.state).toBe("unclear");
    await file.read({ columns: { prompt: "first" } });
    expect([file.state, file.failure, file.records.length]).toEqual(["ready", undefined, 1]);
  });

  it("says why it cannot be read", async () => {
    const file = promptFile("prompts.csv", "prompt\n");
    await expect(file.read()).rejects.toMatchObject({ code: "dataset-empty" });
    expect(file.state).toBe("empty");
    expect(file.failure).toContain("prompts.csv");
    const binary = promptFile("prompts.csv", "prompt\n\0\n");
    await expect(binary.read()).rejects.toMatchObject({ code: "dataset-unreadable" });
    expect([binary.state, binary.failure]).toEqual([
      "failed",
      expect.stringMatching(/prompts\.csv:2: .*NUL/),
    ]);
  });

  it("is known to be broken before anybody opens it, and keeps no prompts by that", async () => {
    const rows = promptFile("rows.jsonl", '{"prompt":"one"}\n{broken\n');
    expect([await rows.examine(), rows.state, rows.broken, rows.records]).toEqual([true, "unread", 1, []]);
    expect(await rows.examine()).toBe(false);
    const cut = promptFile("cut.json", '[{"prompt":"What is tea in China?"},{"prompt":"What');
    expect([await cut.examine(), cut.state]).toEqual([true, "failed"]);
    expect(cut.failure).toContain("cut.json is not JSON");
    const blank = promptFile("blank.csv", 'prompt\n""\n');
    expect([await blank.examine(), blank.state]).toEqual([true, "empty"]);
    const whole = promptFile("whole.csv", "prompt\nWhat is tea?\n");
    expect([await whole.examine(), whole.state]).toEqual([false, "unread"]);
    await rows.read();
    writeFileSync(rows.uri.fsPath, '{"prompt":"one"}\n');
    await rows.readAgain();
    expect(rows.broken).toBe(0);
  });

  it("has no prompts where no row is one, and has them when the file has", async () => {
    const file = promptFile("prompts.jsonl", '{"prompt":""}\n{"prompt":" "}\n');
    await file.read();
    expect([file.state, file.failure]).toEqual([
      "empty",
      "None of the 2 rows of prompts.jsonl is a prompt. The first: line 1, the prompt is empty.",
    ]);
    expect(file.problems).toHaveLength(2);
    appendFileSync(file.uri.fsPath, '{"prompt":"one"}\n');
    await file.readAgain();
    expect([file.state, file.failure]).toEqual(["ready", undefined]);
  });

  it("is as before when reading was called off", async () => {
    const file = promptFile("prompts.csv", "prompt\none two\n");
    file.wait("large");
    const reason = new Error("called off");
    await expect(file.read({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect([file.state, file.failure]).toEqual(["large", undefined]);
  });

  it("is read once for all who wait, and once more when it changed meanwhile", async () => {
    const file = promptFile("prompts.csv", "prompt\none two\n");
    const reading = file.read();
    appendFileSync(file.uri.fsPath, "three four\n");
    await Promise.all([reading, file.read(), file.readAgain()]);
    expect(file.records).toHaveLength(2);
  });

  it("keeps its prompts until those of the changed file are there, and loses them with the file", async () => {
    const file = await readCsv("one,,");
    writeFileSync(file.uri.fsPath, "prompt\ntwo\nthree\n");
    const reading = file.readAgain();
    expect([file.state, file.records.length]).toEqual(["ready", 1]);
    await reading;
    expect(file.records.map(({ prompt }) => prompt)).toEqual(["two", "three"]);
    rmSync(file.uri.fsPath);
    await expect(file.readAgain()).rejects.toMatchObject({ code: "file-missing" });
    expect([file.state, file.records]).toEqual(["failed", []]);
  });

  it("knows the labels whose prompts were edited, by the words that it saw", async () => {
    const file = await readCsv("What is bred?,,", "What is tea?,,");
    const [bread, tea] = file.records;
    await file.labels.decide("ada", [
      { id: bread!.id, label: "general" },
      { id: tea!.id, label: "general" },
    ]);
    expect(file.orphans).toEqual([]);
    writeFileSync(file.uri.fsPath, "prompt\nWhat is bread?\nWhat is tea?\n");
    await file.readAgain();
    expect(file.orphans).toMatchObject([
      { id: bread!.id, prompt: "What is bred?", decision: { label: "general", by: "ada" } },
    ]);
  });

  it("sees what another window appends to the label log", async () => {
    const file = await readCsv("one,,");
    const { id } = file.records[0]!;
    await appendLabels(file.labels.path, [{ id, label: "toxic", by: "ben", at: "2026-01-01T00:00:00Z" }]);
    expect(await file.labels.read()).toEqual(new Set([id]));
    expect(file.labelOf(file.records[0]!)).toBe("toxic");
  });
});
