import { describe, expect, onTestFinished, test } from "vitest";
import { type Completion, EndpointClient, type Reply } from "../../../src/engine/endpoint/client.ts";
import { endpointSchema } from "../../../src/protocol/judges.ts";
import type { Usage } from "../../../src/protocol/spent.ts";
import { said, service } from "./service.ts";

const chat = (content: string) => [{ role: "user" as const, content }];

function clientOf(url: string, keys: object = {}, onUsed?: (used: Usage) => void): EndpointClient {
  return new EndpointClient(endpointSchema.parse({ url, model: "judge-1", ...keys }), onUsed);
}

async function ask(client: EndpointClient, texts: readonly string[], options = {}): Promise<Reply[]> {
  const replies: Reply[] = [];
  await client.completeAll(
    texts.map(chat),
    (i, reply) => {
      replies[i] = reply;
    },
    options,
  );
  return replies;
}

function withKey(value: string | undefined): void {
  if (value === undefined) delete process.env.TEST_SERVICE_KEY;
  else process.env.TEST_SERVICE_KEY = value;
  onTestFinished(() => {
    delete process.env.TEST_SERVICE_KEY;
  });
}

describe("a request", () => {
  test("is one of chat completions, with the key in its header alone", async () => {
    withKey("sk-secret");
    const { url, got } = await service(() => said("2"));
    const client = clientOf(`${url}/`, { key: "TEST_SERVICE_KEY", body: { seed: 7, temperature: null } });
    expect(await ask(client, ["Hi"], { maxTokens: 16 })).toEqual([{ text: "2", finish: "stop" }]);
    expect(got[0]!.path).toBe("/v1/chat/completions");
    expect(got[0]!.headers.authorization).toBe("Bearer sk-secret");
    expect(got[0]!.body).toEqual({ model: "judge-1", messages: chat("Hi"), max_tokens: 16, seed: 7 });
  });

  test("goes without a key where none is named, and keeps the address's own query", async () => {
    const { url, got } = await service(() => said("2"));
    await ask(clientOf(`${url}?api-version=2026-01`), ["Hi"]);
    expect(got[0]!.path).toBe("/v1/chat/completions?api-version=2026-01");
    expect(got[0]!.headers.authorization).toBeUndefined();
  });

  test("is refused where the key is not set, or would travel unencrypted", () => {
    withKey(undefined);
    expect(() => clientOf("https://example.org/v1", { key: "TEST_SERVICE_KEY" })).toThrow(
      /TEST_SERVICE_KEY, which is not set/,
    );
    withKey("sk-secret");
    expect(() => clientOf("http://example.org/v1", { key: "TEST_SERVICE_KEY" })).toThrow(/not encrypted/);
  });
});

test("reads reasoning, parts, refusals and why a reply ended", async () => {
  const answers = [
    said("1", { message: { reasoning_content: "Hm." } }),
    said("1", { message: { reasoning: "Hm." } }),
    said("", {
      message: {
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
    }),
    said("", { message: { content: null, refusal: "I will not judge this." } }),
    said("", { finish: "content_filter" }),
    said("cut", { finish: "length" }),
    { status: 400, body: { error: { code: "content_filter", message: "The prompt was filtered." } } },
  ];
  const { url } = await service((_, n) => answers[n]!);
  const replies = await ask(clientOf(url, { concurrency: 1 }), answers.map(String));
  expect(replies).toEqual([
    { text: "1", reasoning: "Hm.", finish: "stop" },
    { text: "1", reasoning: "Hm.", finish: "stop" },
    { text: "ab", finish: "stop" },
    { text: "", refusal: "I will not judge this.", finish: "stop" },
    { text: "", finish: "content_filter" },
    { text: "cut", finish: "length" },
    { text: "", finish: "content_filter" },
  ]);
});

test("no more requests are under way than are allowed, and replies find their question", async () => {
  const { url, mostAtOnce } = await service(async ({ body }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return said(body.messages[0]!.content.toUpperCase());
  });
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`);
  const replies = (await ask(clientOf(url, { concurrency: 3 }), texts)) as Completion[];
  expect(replies.map(({ text }) => text)).toEqual(texts.map((text) => text.toUpperCase()));
  expect(mostAtOnce()).toBe(3);
});

test("tokens are those that the service reports, and the cost follows from the prices", async () => {
  const { url } = await service((_, n) =>
    said("1", { usage: n === 2 ? null : { prompt_tokens: 1000, completion_tokens: 50 } }),
  );
  const used: Usage[] = [];
  const price = { input: 2, output: 8 };
  await ask(
    clientOf(url, { concurrency: 1, price }, (one) => used.push(one)),
    ["a", "b", "c"],
  );
  const told = { requests: 1, promptTokens: 1000, completionTokens: 50, unreported: 0 };
  const cost = (1000 * 2 + 50 * 8) / 1e6;
  const open = { requests: 1, promptTokens: 0, completionTokens: 0, unreported: 1, cost: 0 };
  expect(used).toEqual([{ ...told, cost }, { ...told, cost }, open]);
  await ask(
    clientOf(url, {}, (one) => used.push(one)),
    ["d"],
  );
  expect(used.at(-1)!.cost).toBeNull();
});

test("requests that failed, came too late or were given up are counted, as what they took is not known", async () => {
  const answers = [{ status: 503, body: "over" }, "hang" as const, said("1"), "hang" as const];
  const { url } = await service((_, n) => answers[n]!);
  const used: Usage[] = [];
  const client = clientOf(url, { concurrency: 1, timeout: 0.3, retries: 2 }, (one) => used.push(one));
  const stop = new AbortController();
  await ask(client, ["a"]);
  expect(used.map(({ requests, unreported }) => [requests, unreported])).toEqual([
    [1, 0],
    [1, 1],
    [1, 0],
  ]);
  const given = ask(client, ["b"], { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("stopped")), 100);
  await expect(given).rejects.toThrow("stopped");
  expect(used).toHaveLength(4);
  expect(used[3]).toMatchObject({ requests: 1, unreported: 1 });
});

describe("a request that fails", () => {
  test("is sent again after a rate limit, a failure, and a connection that was cut", async () => {
    const busy = { status: 429, headers: { "Retry-After": "0" }, body: { error: { message: "Slow down" } } };
    const answers = [busy, { status: 503, body: "over capacity" }, "cut" as const, said("3")];
    const { url, got } = await service((_, n) => answers[n]!);
    expect(await ask(clientOf(url), ["Hi"])).toEqual([{ text: "3", finish: "stop" }]);
    expect(got).toHaveLength(4);
  });

  test("waits as long as the service asks, and so do the others", async () => {
    const times: number[] = [];
    const { url } = await service((_, n) => {
      times.push(performance.now());
      return n === 0 ? { status: 429, headers: { "retry-after-ms": "300" }, body: {} } : said("1");
    });
    await ask(clientOf(url, { concurrency: 1 }), ["a", "b"]);
    expect(times[1]! - times[0]!).toBeGreaterThan(290);
  });

  test("ends the work where it is tried in vain, or the service asks to wait too long", async () => {
    const { url, got } = await service(() => ({ status: 500, body: { error: "no disk" } }));
    await expect(ask(clientOf(url, { retries: 1 }), ["Hi"])).rejects.toThrow(
      /answered 500: no disk \(2 tries\)/,
    );
    expect(got).toHaveLength(2);
    const slow = await service(() => ({ status: 429, headers: { "Retry-After": "7200" }, body: {} }));
    await expect(ask(clientOf(slow.url), ["Hi"])).rejects.toThrow(/wait 120 minutes/);
  });

  test("is not sent again where another try would change nothing; the key is never repeated", async () => {
    withKey("sk-secret");
    const { url, got } = await service(() => ({
      status: 401,
      body: { error: { message: "Incorrect API key provided: sk-secret" } },
    }));
    const failure = await ask(clientOf(url, { key: "TEST_SERVICE_KEY" }), ["Hi"]).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: "endpoint-failed",
      message: expect.stringContaining("answered 401: Incorrect API key provided: …"),
    });
    expect(String(failure)).not.toContain("sk-secret");
    expect(got).toHaveLength(1);
  });

  test("is a timeout where no try is answered in time", async () => {
    const { url, got } = await service(() => "hang");
    expect(await ask(clientOf(url, { timeout: 0.05, retries: 1 }), ["Hi"])).toEqual(["timeout"]);
    expect(got).toHaveLength(2);
  });

  test.each([["<html>not found</html>"], ["{}"], ['{"choices": []}']])(
    "says so of a reply of another form: %s",
    async (body) => {
      const { url } = await service(() => ({ body }));
      await expect(ask(clientOf(url), ["Hi"])).rejects.toThrow(/another form than OpenAI's chat completions/);
    },
  );

  test("says that nobody listens", async () => {
    await expect(ask(clientOf("http://127.0.0.1:9/v1", { retries: 0 }), ["Hi"])).rejects.toThrow(
      /could not be reached/,
    );
  });
});

test("a signal ends requests that are under way, and those that wait", async () => {
  const controller = new AbortController();
  const { url, got } = await service((_, n) => {
    if (n === 1) setTimeout(() => controller.abort(new Error("enough")), 20);
    return n === 0 ? { status: 429, headers: { "Retry-After": "60" }, body: {} } : "hang";
  });
  const asked = ask(clientOf(url, { concurrency: 2 }), ["a", "b", "c"], { signal: controller.signal });
  await expect(asked).rejects.toThrow("enough");
  expect(got.length).toBeLessThanOrEqual(2);
});
