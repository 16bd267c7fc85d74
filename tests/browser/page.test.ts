/**
 * The page in a real browser, on the real service, on a Postgres of its own that can be stopped: what a visitor sees
 * from the empty table on, one test after the other. Promise 9.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import { findChromium, launchChromium } from "../support/browser.ts";
import { header, makeFolder } from "../support/fixture.ts";
import { ask, useOwnServer } from "../support/own-server.ts";
import { type Service, startApi, startService } from "../support/service.ts";
import { waitUntil } from "../support/wait-until.ts";

const chromium = await findChromium();
if ("missing" in chromium) console.error(`The browser tests are skipped: ${chromium.missing}.`);

const fadeMs = 400;

describe.skipIf("missing" in chromium)("the page", () => {
    const server = useOwnServer();
    let target: DatabaseTarget;
    const inputDir = makeFolder();
    let service: Service;
    let browser: Browser;
    let page: Page;
    const requests: string[] = [];
    const complaints: string[] = [];
    /** A browser logs every answer that is no success: while a test takes something away, it may. */
    let isDisturbed = false;

    beforeAll(async () => {
        target = await server.createDatabase();
        service = await startService(target.url, inputDir);
        browser = await launchChromium((chromium as { path: string }).path);
        page = await openPage();
    }, 60_000);
    afterAll(async () => {
        await browser?.close();
        await service?.stop();
        if (inputDir) rmSync(inputDir, { recursive: true, force: true });
    });

    async function openPage(url = service.pageUrl): Promise<Page> {
        const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, timezoneId: "Asia/Tokyo" });
        const opened = await context.newPage();
        opened.setDefaultTimeout(15_000);
        opened.on("request", (request) => requests.push(request.url()));
        opened.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
        opened.on("console", (message) => {
            const isNetwork = message.text().startsWith("Failed to load resource");
            if (message.type() === "error" && !(isNetwork && isDisturbed)) complaints.push(message.text());
        });
        await opened.goto(url);
        return opened;
    }

    /** Whole or not at all, as a careful writer does it. */
    function drop(name: string, lines: string[], head = header): void {
        const aside = join(inputDir, `.${name}`);
        writeFileSync(aside, `${[head, ...lines].join("\n")}\n`);
        renameSync(aside, join(inputDir, name));
    }

    /** As a visitor reads it: what is hidden is left out. */
    const textOf = async (selector: string) =>
        // biome-ignore lint/performance/useDomNodeTextContent: see above
        (await page.locator(selector).first().innerText({ timeout: 2000 })).trim();
    const shows = (what: string, selector: string, expected: string | RegExp) =>
        waitUntil(`${what}: ${expected}`, async () => {
            const text = await textOf(selector).catch(() => "");
            return typeof expected === "string" ? text === expected : expected.test(text);
        });

    /** By the page's own links, without a load. */
    const visit = async (name: string) => {
        const views = page.getByRole("navigation", { name: "Views" });
        await views.getByRole("link", { name: new RegExp(`^${name}`) }).click();
        await waitUntil(`the title is ${name}`, async () => (await page.title()).startsWith(name));
    };

    test("says what to do while there is nothing", async () => {
        await shows("the verdict", "h1", "Waiting for the first file.");
        expect(await textOf(".verdict")).toContain("Drop a CSV into");
        expect(await textOf(".verdict")).toContain("run the command generate");
        expect(await textOf("[data-test=read]")).toBe("0");
        const text = await textOf("body");
        expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/);
        expect(text).toContain("No batches yet");
        expect(requests.filter((url) => url.endsWith("/v1/checks"))).toEqual([]);
    }, 30_000);

    test("moves its numbers when files arrive, without a reload", async () => {
        await page.evaluate("window.isTheSame = true");
        drop("first.csv", [
            event(1, "view"),
            event(2, "add_to_cart"),
            event(3, "purchase", "2,10.50"),
            event(1, "view"),
        ]);
        await shows("read", "[data-test=read]", "4");
        expect(await textOf("[data-test=inserted]")).toBe("3");
        expect(await textOf("[data-test=duplicate]")).toBe("1");
        expect(await textOf(".balanced")).toBe("Every record is accounted for.");
        await shows("the batch", "#batches tbody", /#1\b/);
        await visit("Files");
        await shows("the file", "#files tbody", /first\.csv\s+merged/);
        await visit("Overview");
        await shows("the revenue", "[data-test=revenue]", "21.00");
        await shows("the events", ".latest", /product_3/);
        await shows("the header", "[data-test=last-batch]", /^batch #\d+ · \d+ s ago$/);
        drop("second.csv", [event(4, "view")]);
        await shows("read", "[data-test=read]", "5");
        expect(await page.evaluate("window.isTheSame")).toBe(true);
    }, 30_000);

    test("shows rejects by reason, with samples that are text whatever they hold", async () => {
        const hostile = '<img src=x onerror="document.title=1">';
        drop("bad.csv", [
            event(5, "view"),
            event(6, "no_such_type"),
            event(7, "view").replace("product_7", `"${hostile.replaceAll('"', '""')}${"x".repeat(100)}"`),
            event(1, "purchase", "1,1.00"),
        ]);
        await shows("rejected", "[data-test=rejected]", "2");
        expect(await textOf("[data-test=conflict]")).toBe("1");
        await visit("Rejects");
        await shows("the reasons", ".reasons", /event type unknown/);
        await page
            .locator(".reasons")
            .getByRole("link", { name: /product id too long/ })
            .click();
        await shows("the heading", ".samples-head h2", "product id too long");
        await shows("the one record", ".samples", /^reject #\d+\s*product id too long[\s\S]*bad\.csv record 3/);
        expect(await textOf(".samples")).toContain("<img src=x onerror=");
        expect(await page.locator(".samples img").count()).toBe(0);
        expect(await page.title()).toBe("Rejects · Sluice");
        await visit("Overview");
    }, 30_000);

    test("agrees with SQL at the same batch", async () => {
        const [counts] = await ask(
            target,
            (sql) => sql<Record<string, number>[]>`
                select
                    count(*)::int as batches, sum(read)::int as read, sum(inserted)::int as inserted,
                    sum(duplicate)::int as duplicate, sum(conflict)::int as conflict, sum(rejected)::int as rejected,
                    (select count(*)::int from events) as events,
                    (select count(*)::int from ingest.rejects) as rejects
                from ingest.batches`,
        );
        const { batches, events, rejects, ...outcomes } = counts!;
        const balance = page.locator("[data-test=balance]");
        await waitUntil("the same batch", async () => (await balance.getAttribute("data-batches")) === String(batches));
        for (const [outcome, count] of Object.entries(outcomes)) {
            expect([outcome, await textOf(`[data-test=${outcome}]`)]).toEqual([outcome, String(count)]);
        }
        expect(await textOf("[data-test=Stored]")).toBe(String(events));
        await visit("Rejects");
        await shows("the rejects", "#rejects .panel-head .note", new RegExp(`^${rejects} records`));
    }, 30_000);

    test("moves rejects by a replay, when the rule that refused them has changed", async () => {
        await visit("Overview");
        const events = Number(await textOf("[data-test=Stored]"));
        await visit("Rejects");
        await ask(target, (sql) => sql`insert into ingest.event_types values ('no_such_type') on conflict do nothing`);
        await page
            .locator(".reasons")
            .getByRole("link", { name: /^event type unknown/ })
            .click();
        await page.getByRole("button", { name: "Preview replay of the records with event type unknown" }).click();
        await shows("what would come of it", ".decided", /nothing is changed yet: 1 record inserted/);
        await page.getByRole("button", { name: "Replay 1 record" }).click();
        await shows("what came of it", ".decided", /^1 record inserted/);
        await shows("the rejects", "#rejects .panel-head .note", /^2 records refused, 1 more resolved by replays$/);
        await page.getByRole("button", { name: "Preview replay of the records with event type unknown" }).click();
        await shows("that nothing is left", ".decided", /Nothing to replay/);
        await visit("Overview");
        await shows("the events", "[data-test=Stored]", String(events + 1));
        await shows("the batch", "#batches tbody", /replay/);
        expect(await textOf(".balanced")).toBe("Every record is accounted for.");
    }, 30_000);

    test("counts the funnel and the products as SQL does", async () => {
        const steps = await ask(
            target,
            (sql) => sql<{ type: string; events: number }[]>`
                select event_type as type, count(*)::int as events from events
                where event_type in ('view', 'add_to_cart', 'purchase') group by 1`,
        );
        for (const { type, events } of steps) {
            const row = page.locator(".funnel li").filter({ hasText: new RegExp(`^${type.replaceAll("_", " ")}`) });
            await waitUntil(
                `${events} of ${type}`,
                async () => (await row.locator(".bar-value").textContent())?.startsWith(`${events}`) ?? false,
            );
        }
        await shows("the best product", "#business", /Top products\s+product_3\s+21\.00/);
    }, 30_000);

    test("runs the checks when somebody looks at them", async () => {
        await page.locator("#checks").scrollIntoViewIfNeeded();
        await shows("the checks", "#checks", /^(\d+) of \1 checks hold/);
        await page.getByRole("link", { name: "All checks" }).click();
        await shows("the list", "#checks .checks", /find\w|[a-z]/);
        await shows("the line", "#checks .panel-head .note", /^(\d+) of \1 checks hold/);
        await visit("Overview");
    }, 30_000);

    test("tells by keyboard what a batch did to each file", async () => {
        await visit("Batches");
        await shows("the first batch", "#batches tbody", /batch #1\b/);
        await page.locator("#batches").getByRole("link", { name: "batch #1", exact: true }).focus();
        await page.keyboard.press("Enter");
        await shows("the file", "#batch-files tbody", /first\.csv\s+4 = 3 \+ 1/);
        expect(new URL(page.url()).pathname).toBe("/batches/1");
        await page.goBack();
        await shows("the list", "#batches tbody", /batch #1\b/);
        await visit("Overview");
    }, 30_000);

    test("has a table behind each chart, and any time range", async () => {
        await page.locator(".chart summary").first().click();
        await shows("the table", ".chart .behind tbody", /\d\d:\d\d:\d\d/);
        await page.locator(".chart summary").first().click();
        for (const name of ["The last hour", "The last day", "The last week", "The last five minutes"]) {
            await page.getByRole("radio", { name }).check();
            await waitUntil("four charts", async () => (await page.locator(".chart canvas").count()) === 4);
        }
    }, 30_000);

    test("traces a record by its event id", async () => {
        await visit("Trace");
        const box = page.locator("#trace").getByRole("searchbox");
        await box.fill(eventId(1));
        await page.keyboard.press("Enter");
        await shows("the life", "#trace .lives", /first\.csv:1/);
        expect(await textOf("#trace .lives")).toContain("inserted by batch #");
        await box.fill("nonsense");
        await page.keyboard.press("Enter");
        await shows("the hint", "#trace .nothing", /Give an event id/);
        await visit("Overview");
    }, 30_000);

    test("names the file that failed, and why", async () => {
        drop("broken.csv", ["1,2"], "event_id,colour");
        await shows("the state", ".state", "Failing");
        expect(await textOf("h1")).toMatch(/^1 file failed/);
        expect(await textOf(".verdict")).toContain("broken.csv");
        expect(await page.locator("h1").getAttribute("class")).toBe("busy");
        await visit("Files");
        await page.getByRole("radio", { name: /^failed/ }).check();
        await shows("the list", "#files tbody", /broken\.csv\s+failed/);
        expect(new URL(page.url()).search).toBe("?state=failed");
        await visit("Overview");
        rmSync(join(inputDir, "broken.csv"));
    }, 30_000);

    test("keeps the last known numbers, marked as such, while Postgres is away, and goes on by itself", async () => {
        isDisturbed = true;
        const read = await textOf("[data-test=read]");
        await server.stop();
        await shows("the state", ".state", "Database away");
        await shows("the age", ".last-known", /^Last known (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/);
        expect(await textOf("[data-test=read]")).toBe(read);
        await page.waitForTimeout(fadeMs);
        expect(await opacityOf(page, "[data-test=balance]")).toBeLessThan(1);
        // A page that is opened now shows what the API knew last, faded.
        const late = await openPage();
        await late.locator(".last-known").waitFor();
        expect(await late.locator("[data-test=read]").textContent()).toBe(read);
        expect(await opacityOf(late, "[data-test=balance]")).toBeLessThan(1);
        await late.context().close();
        drop("meanwhile.csv", [event(8, "view"), event(9, "view")]);
        await server.start();
        await shows("read", "[data-test=read]", String(Number(read) + 2));
        await page.waitForTimeout(fadeMs);
        expect(await opacityOf(page, "[data-test=balance]")).toBe(1);
        expect(await page.locator(".last-known, .trouble").count()).toBe(0);
        expect(await page.evaluate("window.isTheSame")).toBe(true);
        isDisturbed = false;
    }, 60_000);

    test("comes back when the service does, and has missed nothing", async () => {
        isDisturbed = true;
        const read = Number(await textOf("[data-test=read]"));
        const { port } = service;
        await service.stop();
        await shows("the state", ".state", "No connection");
        drop("absent.csv", [event(10, "view")]);
        service = await startService(target.url, inputDir, { port });
        await shows("read", "[data-test=read]", String(read + 1));
        const [last] = await ask(
            target,
            (sql) => sql<{ id: string }[]>`select max(batch_id)::text as id from ingest.batches`,
        );
        await shows("the batch", "#batches tbody", new RegExp(`^\\s*batch #${last!.id}\\b`));
        expect(await page.evaluate("window.isTheSame")).toBe(true);
        isDisturbed = false;
    }, 60_000);

    test("shows a panel's own trouble in that panel, with what it knew before", async () => {
        await visit("Files");
        await shows("the files", "#files tbody", /first\.csv/);
        isDisturbed = true;
        const problem = {
            code: "database_slow",
            title: "Database too slow",
            detail: "Ask again.",
            status: 503,
        };
        await page.route("**/v1/files*", (route) =>
            route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }),
        );
        await shows("the trouble", "#files .trouble", /Database too slow\. Ask again\. Last known/);
        expect(await page.locator(".trouble").count()).toBe(1);
        expect(await textOf("#files tbody")).toContain("first.csv");
        expect(await textOf(".state")).not.toBe("Database away");
        await page.unroute("**/v1/files*");
        await waitUntil("the trouble is over", async () => (await page.locator(".trouble").count()) === 0);
        await visit("Overview");
        isDisturbed = false;
    }, 30_000);

    test("asks for the token where there is one, and goes on with the right one", async () => {
        isDisturbed = true;
        const token = "t".repeat(32);
        const api = await startApi(target.url, { SLUICE_API_TOKEN: token });
        const other = await openPage(api.url);
        await other.getByRole("heading", { name: "A token is required." }).waitFor();
        await other.getByRole("textbox", { name: "Token" }).fill("wrong");
        await other.keyboard.press("Enter");
        await other.getByText("Invalid token.").waitFor();
        await other.getByRole("textbox", { name: "Token" }).fill(token);
        await other.keyboard.press("Enter");
        await other.locator("[data-test=read]").waitFor();
        await other.context().close();
        await api.stop();
        isDisturbed = false;
    }, 30_000);

    test("has a dark and a light theme that stay, and two clocks", async () => {
        const groundOf = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
        const theme = () => page.evaluate("document.documentElement.dataset.theme");
        await page.getByRole("radio", { name: "Dark", exact: true }).check();
        expect(await theme()).toBe("dark");
        const dark = await groundOf();
        await page.reload();
        await shows("the page", "[data-test=read]", /\d/);
        expect([await theme(), await groundOf()]).toEqual(["dark", dark]);
        await page.getByRole("radio", { name: "As the system" }).check();
        expect(await theme()).toBe("light");
        expect(await groundOf()).not.toBe(dark);

        const committed = () => textOf("#batches tbody td:nth-child(2)");
        await shows("a batch", "#batches tbody", /#/);
        const tokyo = await committed();
        await page.getByRole("radio", { name: /^Coordinated/ }).check();
        await waitUntil("another clock", async () => (await committed()) !== tokyo);
        await page.getByRole("radio", { name: /^Local/ }).check();
    }, 30_000);

    test.each([
        ["Light", 1360],
        ["Dark", 1360],
        ["Light", 375],
        ["Dark", 375],
    ] as const)(
        "fits, and has nothing serious to axe (%s, %i pixels)",
        async (name, width) => {
            await page.setViewportSize({ width, height: 900 });
            await page.getByRole("radio", { name, exact: true }).check();
            await page.waitForTimeout(fadeMs);
            expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
            await page.evaluate(axe.source);
            const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
            const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
            const named = serious.flatMap(({ id, nodes }) =>
                nodes.map(({ target: place, failureSummary }) => [id, place, failureSummary]),
            );
            expect(named).toEqual([]);
        },
        30_000,
    );

    test("asked no other host, and the browser had nothing to complain of", () => {
        const hosts = new Set(requests.map((url) => new URL(url).hostname));
        expect([...hosts]).toEqual([new URL(service.pageUrl).hostname]);
        expect(complaints).toEqual([]);
    });
});

/** The same in every file: an event that comes again is a duplicate. */
const minute = new Date().toISOString().slice(0, 16);

/** The n-th event: a line of a file. */
function event(n: number, type: string, amounts = "0,0"): string {
    return `${eventId(n)},${type},product_${n},user_${n},${minute}:${String(n).padStart(2, "0")},${amounts}`;
}

function eventId(n: number): string {
    return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
}

/** As seen: what is around it fades it too. */
async function opacityOf(page: Page, selector: string): Promise<number> {
    return await page.locator(selector).evaluate((element) => {
        let opacity = 1;
        for (let node: Element | null = element; node; node = node.parentElement) {
            opacity *= Number(getComputedStyle(node).opacity);
        }
        return opacity;
    });
}
