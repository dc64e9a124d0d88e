import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FrameQueue } from "../../../src/webview/ui/frameQueue.ts";

let frames: (() => void)[] = [];
const frame = () => frames.shift()?.();

beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
});
afterEach(() => vi.unstubAllGlobals());

function chart(name: string, done: string[]) {
  return () => {
    done.push(`${name} laid out`);
    return () => void done.push(`${name} painted`);
  };
}

test("each frame lays a chart out or paints it, and there are no frames for nothing", () => {
  const queue = new FrameQueue();
  const done: string[] = [];
  const [one, two] = [{}, {}];
  queue.request(one, chart("one", done));
  queue.request(two, chart("two", done));
  frame();
  expect(done).toEqual(["one laid out"]);
  for (let i = 0; i < 3; i++) frame();
  expect(done).toEqual(["one laid out", "one painted", "two laid out", "two painted"]);
  expect(frames).toEqual([]);
});

test("what is asked for in every frame is painted all the same, as it was asked for last", () => {
  const queue = new FrameQueue();
  const done: string[] = [];
  const one = {};
  for (let i = 0; i < 4; i++) {
    queue.request(one, chart("stale", done));
    queue.request(one, chart(`view ${i}`, done));
    frame();
  }
  expect(done).toEqual(["view 0 laid out", "view 0 painted", "view 2 laid out", "view 2 painted"]);
});

test("a chart that is gone is not painted", () => {
  const queue = new FrameQueue();
  const done: string[] = [];
  const one = {};
  queue.request(one, chart("one", done));
  frame();
  queue.request(one, chart("one again", done));
  queue.cancel(one);
  frame();
  expect(done).toEqual(["one laid out"]);
  expect(frames).toEqual([]);
});
