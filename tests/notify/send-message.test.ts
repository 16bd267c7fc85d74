/** One attempt to deliver, against a real receiver. */
import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { composeTestMessage, forChat } from "../../src/operations/notify/compose-message.ts";
import { pauseBefore } from "../../src/operations/notify/plan-attempts.ts";
import { sendMessage } from "../../src/operations/notify/send-message.ts";
import { afterTest } from "../support/at-end.ts";
import { expectSigned, openReceiver, secret } from "../support/receiver.ts";

const message = composeTestMessage();

test("a message arrives as JSON, with a signature that the library of standardwebhooks.com accepts", async () => {
    const receiver = openReceiver();
    const attempt = await sendMessage(message, { webhook: receiver.url, secret });

    expect(attempt).toMatchObject({ failure: null, status: 200, answer: "ok" });
    const [received] = receiver.received;
    expect(received!.headers["content-type"]).toBe("application/json");
    expect(received!.headers["webhook-id"]).toBe(message.id);
    expect(received!.body).toBe(message.body);
    expect(received!.message).toMatchObject({ type: "test", id: message.id, text: expect.stringContaining("test") });
    expectSigned(received!);
});

test("should fail to verify: another key, other bytes, another time", async () => {
    const receiver = openReceiver();
    await sendMessage(message, { webhook: receiver.url, secret });
    const { headers, body } = receiver.received[0]!;

    expect(() => expectSigned({ headers, body }, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).toThrow("signature");
    expect(() => expectSigned({ headers, body: body.replace("test", "Test") })).toThrow("signature");
    const later = { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) + 1) };
    expect(() => expectSigned({ headers: later, body })).toThrow("signature");
});

test("without a secret it is not signed", async () => {
    const receiver = openReceiver();
    await sendMessage(message, { webhook: receiver.url, secret: null });
    expect(receiver.received[0]!.headers["webhook-signature"]).toBeUndefined();
});

test.each([
    [200, null, true],
    [204, null, true],
    [400, "HTTP 400", true],
    [401, "HTTP 401", true],
    [404, "HTTP 404", true],
    [410, "HTTP 410", false],
    [429, "HTTP 429", true],
    [500, "HTTP 500", true],
    [503, "HTTP 503", true],
])("an answer of %d", async (status, failure, mayRetry) => {
    const receiver = openReceiver({ answer: () => new Response(null, { status }) });
    expect(await sendMessage(message, { webhook: receiver.url, secret })).toMatchObject({
        failure,
        mayRetry,
        status,
        isSilent: false,
    });
});

test("a redirect is not followed", async () => {
    const other = openReceiver();
    const receiver = openReceiver({ answer: () => Response.redirect(other.url, 307) });
    const { failure } = await sendMessage(message, { webhook: receiver.url, secret });

    expect(failure).toBe("HTTP 307 (redirects are not followed)");
    expect(other.received).toEqual([]);
});

describe("nobody answers", () => {
    test("the connection is refused", async () => {
        const receiver = openReceiver();
        await receiver.close();
        const attempt = await sendMessage(message, { webhook: receiver.url, secret });
        expect(attempt).toMatchObject({ failure: "ECONNREFUSED", mayRetry: true, isSilent: true });
    });

    test("it takes the message and is silent", async () => {
        const receiver = openReceiver({ answer: () => new Promise(() => {}) });
        const attempt = await sendMessage(message, { webhook: receiver.url, secret }, undefined, 100);
        expect(attempt).toMatchObject({ failure: "no answer within 0.1 s", mayRetry: true, isSilent: true });
    });

    test("it hangs up, or speaks no HTTP", async () => {
        const server = createServer((socket) => socket.end("hello\r\n"));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        afterTest(() => server.close());
        const { port } = server.address() as { port: number };
        const attempt = await sendMessage(message, { webhook: `http://127.0.0.1:${port}/key-of-the-path`, secret });
        expect(attempt).toMatchObject({ mayRetry: true, isSilent: true });
        expect(JSON.stringify(attempt)).not.toContain("key-of-the-path");
    });
});

test("an answer without end is read at its beginning", async () => {
    const endless = () =>
        new Response(
            new ReadableStream({
                pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(65_536))),
            }),
        );
    const receiver = openReceiver({ answer: endless });
    const { failure, answer } = await sendMessage(message, { webhook: receiver.url, secret });
    expect([failure, answer.length]).toEqual([null, 300]);
});

describe("the next attempt", () => {
    const failed = { mayRetry: true, retryAfterMs: 0 };
    const day = 24 * 3600;

    test("comes after pauses that grow, with jitter, up to ten minutes", () => {
        const pauses = (random: number) =>
            [0, 1, 2, 7, 50].map((attempts) => pauseBefore(failed, { attempts, ageSeconds: 0 }, random));
        expect(pauses(1)).toEqual([5_000, 10_000, 20_000, 600_000, 600_000]);
        expect(pauses(0)).toEqual([2_500, 5_000, 10_000, 300_000, 300_000]);
    });

    test("waits as long as the receiver asks, up to an hour", () => {
        const asked = (retryAfterMs: number) =>
            pauseBefore({ ...failed, retryAfterMs }, { attempts: 0, ageSeconds: 0 });
        expect(asked(90_000)).toBe(90_000);
        expect(asked(86_400_000)).toBe(3_600_000);
    });

    test("does not come after a day, or when the receiver is gone", () => {
        expect(pauseBefore(failed, { attempts: 200, ageSeconds: day - 601 })).not.toBeNull();
        expect(pauseBefore(failed, { attempts: 200, ageSeconds: day })).toBeNull();
        expect(pauseBefore({ ...failed, mayRetry: false }, { attempts: 0, ageSeconds: 0 })).toBeNull();
    });
});

test.each([
    ["429 with seconds", "120", 120_000, 120_000],
    ["a date", new Date(Date.now() + 60_000).toUTCString(), 50_000, 61_000],
    ["nonsense", "soon", 0, 0],
])("what Retry-After asks for: %s", async (_, text, least, most) => {
    const receiver = openReceiver({
        answer: () => new Response(null, { status: 429, headers: { "retry-after": text } }),
    });
    const { retryAfterMs } = await sendMessage(message, { webhook: receiver.url, secret });
    expect(retryAfterMs).toBeWithin(least, most + 1);
});

test("the text for chats mentions nobody and links nowhere", () => {
    const text = forChat("<!channel> <@U123> <https://evil.example|here>.csv failed @here");
    expect(text).not.toMatch(/[<>]/);
    expect(text).not.toContain("@here");
    expect(text).toContain("‹!channel›");
});
