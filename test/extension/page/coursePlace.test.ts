import { describe, expect, test } from "vitest";
import { coursePlace } from "../../../src/extension/page/coursePlace.ts";
import { groups } from "./groups.ts";

describe("where a dashboard opens that nobody asked for", () => {
  test.each([
    ["in an empty window", ["*"], 1],
    ["in a new group beside the only one", ["*recipe notes"], 2],
    ["over another dashboard beside what is worked at", ["*recipe", "dashboard notes"], 2],
    ["the same with the dashboard first", ["dashboard", "*recipe"], 1],
    ["over a report of an earlier run", ["*recipe", "report dashboard"], 2],
    ["in an empty group", ["prompts", "*recipe", ""], 3],
    ["in a new group where files are in front of all others", ["prompts", "*recipe"], 3],
    ["over no file that is in front of a dashboard", ["prompts dashboard", "*recipe"], 3],
    ["over no other page, such as labelling", ["labelling", "*recipe"], 3],
    ["not in the group that is worked in, also where a dashboard is", ["prompts", "*dashboard"], 3],
  ])("%s", (_, shown, viewColumn) => {
    expect(coursePlace(groups(...shown))).toBe(viewColumn);
  });
});
