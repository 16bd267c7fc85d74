/** `bun run screenshots`: the pictures of the page in docs/images, from the real service at work. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import type { Browser, Page } from "playwright-core";
import { runCommand } from "../src/commands/command.ts";
import { exitCodes, SluiceError } from "../src/errors.ts";
import { defaultGeneratorOptions } from "../src/shop/generator/options.ts";
import { runGenerator } from "../src/shop/generator/run-generator.ts";
import { findChromium, launchChromium } from "../tests/support/browser.ts";
import { openOwnServer } from "../tests/support/own-server.ts";
import { startLabService, startService } from "../tests/support/service.ts";

const imagesDir = join(import.meta.dir, "../docs/images");
const wide = { width: 1280, height: 1180 };
const narrow = { width: 375, height: 812 };

interface Shot {
    name: string;
    theme: "light" | "dark";
    viewport: { width: number; height: number };
    scale: number;
}

const shots: Shot[] = [
    { name: "light", theme: "light", viewport: wide, scale: 1.5 },
    { name: "dark", theme: "dark", viewport: wide, scale: 1.5 },
    { name: "narrow", theme: "light", viewport: narrow, scale: 2 },
];
const lab: Shot = { name: "lab", theme: "light", viewport: { width: 1280, height: 640 }, scale: 1.5 };
const failing: Shot = { name: "failing", theme: "light", viewport: { width: 1280, height: 560 }, scale: 1.5 };

await runCommand({
    name: "screenshots",
    summary:
        "Makes the pictures of the page in docs/images: the service at work on generated files, a failing one, and the crash lab.",
    options: [
        new Option("--minutes <minutes>", "for how long it works before the pictures, to fill the charts")
            .default(5)
            .argParser(parseMinutes),
    ],
    examples: [["bun run screenshots", "takes five minutes: charts of five minutes want that many"]],
    async run({ flags }) {
        const chromium = await findChromium();
        if ("missing" in chromium) throw noBrowser(chromium.missing);
        mkdirSync(imagesDir, { recursive: true });
        const folder = mkdtempSync(join(tmpdir(), "sluice-screenshots-"));
        const inputDir = join(folder, "data/input_data");
        mkdirSync(inputDir, { recursive: true });
        const server = await openOwnServer();
        const target = await server.createDatabase();
        const service = await startService(target.url, inputDir);
        const stopper = new AbortController();
        const generating = generate(inputDir, stopper.signal);
        const browser = await launchChromium(chromium.path);
        try {
            await Bun.sleep((flags.minutes as number) * 60_000);
            for (const shot of shots) await take(browser, service.pageUrl, shot);
            writeFileSync(join(inputDir, "prices_eu.csv"), "event_id,event_type,sku,user_id,event_timestamp\n");
            await Bun.sleep(4000);
            await take(browser, service.pageUrl, failing);
            await takeLab(browser, folder);
        } finally {
            stopper.abort();
            await browser.close();
            await generating;
            await service.stop();
            await server.close();
            rmSync(folder, { recursive: true, force: true });
        }
    },
});

/** The crash lab, which wants an embedded server of its own, after Postgres was crashed. */
async function takeLab(browser: Browser, folder: string): Promise<void> {
    const inputDir = join(folder, "lab/input_data");
    mkdirSync(inputDir, { recursive: true });
    const service = await startLabService({ dataDir: join(folder, "lab/data"), inputDir });
    const stopper = new AbortController();
    const generating = generate(inputDir, stopper.signal);
    try {
        await Bun.sleep(20_000);
        await take(browser, service.pageUrl, lab, async (page) => {
            await page.getByRole("button", { name: "Crash Postgres" }).click();
            await page.locator(".lab-steps .good").waitFor({ timeout: 60_000 });
            await page.locator("#lab").evaluate((panel) => panel.scrollIntoView());
        });
    } finally {
        stopper.abort();
        await generating;
        await service.stop();
    }
}

/** Faults and repetitions in it, so that every part of the equation is there. */
async function generate(outputDir: string, signal: AbortSignal): Promise<void> {
    const options = { ...defaultGeneratorOptions, minRecords: 200, maxRecords: 900, sleepSeconds: 0.7 };
    await runGenerator({ ...options, dirtyRatio: 0.02, duplicateRatio: 0.04, seed: 7, outputDir }, { signal });
}

async function take(
    browser: Browser,
    url: string,
    { name, theme, viewport, scale }: Shot,
    act: (page: Page) => Promise<void> = async () => {},
): Promise<void> {
    const context = await browser.newContext({
        viewport,
        deviceScaleFactor: scale,
        colorScheme: theme,
        timezoneId: "UTC",
    });
    const page = await context.newPage();
    await page.goto(url);
    await page.locator(".chart canvas").first().waitFor();
    // Long enough for the CPU's share, which takes two looks.
    await page.waitForTimeout(7000);
    await act(page);
    const path = join(imagesDir, `${name}.png`);
    await page.screenshot({ path });
    await context.close();
    process.stdout.write(`docs/images/${name}.png\n`);
}

function parseMinutes(text: string): number {
    const minutes = Number(text);
    if (!(minutes >= 0.1 && minutes <= 60)) throw new InvalidArgumentError("Give minutes from 0.1 to 60.");
    return minutes;
}

function noBrowser(missing: string): SluiceError {
    return new SluiceError({
        code: "browser_missing",
        what: `There is no browser to take pictures with: ${missing}.`,
        remedy: "Install Chromium, or name one in SLUICE_TEST_CHROMIUM.",
        exitCode: exitCodes.failed,
    });
}
