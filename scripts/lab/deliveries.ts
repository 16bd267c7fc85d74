/** The files that the lab delivers: invented events with known ids, so that they can be counted afterwards. */
import { randomUUID } from "node:crypto";
import { renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headerLine } from "../../src/shop/generator/event-record.ts";

export interface Delivery {
    /** Its path in the ledger. */
    path: string;
    bytes: number;
    /** Its good records, and their ids. */
    lines: string[];
    eventIds: string[];
}

/** A new name each time, so that each delivery is a file of its own. */
export function nameFile(name: string): string {
    return `${name}_${Date.now().toString(36)}.csv`;
}

const eventTypes = ["view", "view", "view", "add_to_cart", "purchase"] as const;

export function inventLines(count: number): { eventIds: string[]; lines: string[] } {
    const now = new Date().toISOString().slice(0, 19).replace("T", " ");
    const eventIds = Array.from({ length: count }, () => randomUUID());
    const lines = eventIds.map((eventId, index) => {
        const price = ((index * 37) % 20_000) / 100;
        return `${eventId},${eventTypes[index % eventTypes.length]},product_${(index % 200) + 1},user_${(index % 999) + 1},${now},1,${price.toFixed(2)}`;
    });
    return { eventIds, lines };
}

/** Writes the file aside and renames it, so that it appears whole. Returns its size. */
export function deliver(folder: string, path: string, lines: readonly (string | Uint8Array)[]): number {
    const pieces = lines.map((line) => (typeof line === "string" ? Buffer.from(`${line}\n`) : line));
    const content = Buffer.concat([Buffer.from(headerLine), ...pieces]);
    const aside = join(folder, `.${path}.tmp`);
    writeFileSync(aside, content);
    renameSync(aside, join(folder, path));
    return content.length;
}

/** Leaves a file as a writer does that dies in the middle of a record. */
export function cut(folder: string, path: string, bytes: number): void {
    truncateSync(join(folder, path), bytes);
}

/** Twenty-five lines, each wrong in its own way, or in several. */
export function inventGarbage(): (string | Uint8Array)[] {
    const id = randomUUID();
    return [
        "no comma in sight",
        "-,,,,,,",
        "1,2,3,4,5,6,7",
        `${randomUUID()},view,product_1,user_1,yesterday at noon,1,9.99`,
        `${randomUUID()},view,product_1,user_1,2024-02-30 12:00:00,1,9.99`,
        `${randomUUID()},view,product_1,user_1,2024-01-02 25:61:61,1,9.99`,
        `${randomUUID()},look,product_1,user_1,2024-01-02 03:04:05,1,9.99`,
        `${randomUUID()},view,,user_1,2024-01-02 03:04:05,1,9.99`,
        `${randomUUID()},view,product_1,,2024-01-02 03:04:05,1,9.99`,
        `${randomUUID()},purchase,product_1,user_1,2024-01-02 03:04:05,a few,9.99`,
        `${randomUUID()},purchase,product_1,user_1,2024-01-02 03:04:05,-3,9.99`,
        `${randomUUID()},purchase,product_1,user_1,2024-01-02 03:04:05,1,12.345`,
        `${randomUUID()},purchase,product_1,user_1,2024-01-02 03:04:05,1,NaN`,
        `${randomUUID()},purchase,product_1,user_1,2024-01-02 03:04:05,99999999999,1`,
        `${randomUUID().slice(0, 30)},view,product_1,user_1,2024-01-02 03:04:05,1,9.99`,
        `{${randomUUID()}},view,product_1,user_1,2024-01-02 03:04:05,1,9.99`,
        `${randomUUID()},view,product_1,user_1,2024-01-02 03:04:05,1,9.99,and,some,more`,
        `${randomUUID()},view,product_1`,
        `${randomUUID()},view,"product_1"x,user_1,2024-01-02 03:04:05,1,9.99`,
        `${randomUUID()},view,"product_1,user_1,2024-01-02 03:04:05,1,9.99`,
        `${randomUUID()},view,${"x".repeat(101)},user_1,2024-01-02 03:04:05,1,9.99`,
        `'; drop table events; --,view,product_1,user_1,2024-01-02 03:04:05,1,9.99`,
        `${id},view,<script>alert(1)</script>,user_1,never,1,9.99`,
        Buffer.concat([
            Buffer.from(`${id},view,`),
            Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
            Buffer.from(",u,,,\n"),
        ]),
        Buffer.concat([
            crypto.getRandomValues(new Uint8Array(200)).map((byte) => (byte === 10 ? 11 : byte)),
            Buffer.from("\n"),
        ]),
    ];
}
