/** One event as the generator holds it, and the text of its values. */
import { columnNames } from "../../streams/stream.ts";
import { eventsStream } from "../events-stream.ts";

export type EventType = "view" | "add_to_cart" | "remove_from_cart" | "purchase";

export interface EventRecord {
    eventId: string;
    eventType: EventType;
    productId: string;
    userId: string;
    /** Seconds since 1970. */
    eventSeconds: number;
    /** As text; empty where it is null. */
    quantity: string;
    price: string;
}

export const columns = columnNames(eventsStream);

/** The text of the values in the order of the columns, before quoting. */
export type RecordValues = [string, string, string, string, string, string, string];

export const headerLine = `${columns.join(",")}\n`;

export function toValues(record: EventRecord): RecordValues {
    return [
        record.eventId,
        record.eventType,
        record.productId,
        record.userId,
        formatTimestamp(record.eventSeconds),
        record.quantity,
        record.price,
    ];
}

const needsQuotes = /[",\r\n]/;

export function quote(value: string): string {
    return `"${value.replaceAll('"', '""')}"`;
}

/** The values as one CSV line with its line end, quoted where they must be. */
export function toLine(values: readonly string[]): string {
    return `${values.map((value) => (needsQuotes.test(value) ? quote(value) : value)).join(",")}\n`;
}

const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));
const secondsPerDay = 86_400;

let latestDay = Number.NaN;
let latestDayText = "";

/** `YYYY-MM-DD HH:MM:SS` in UTC. Remembers the latest day: Date costs more than the rest of the line. */
export function formatTimestamp(seconds: number): string {
    const day = Math.floor(seconds / secondsPerDay);
    if (day !== latestDay) {
        latestDay = day;
        latestDayText = new Date(day * secondsPerDay * 1000).toISOString().slice(0, 10);
    }
    const second = seconds - day * secondsPerDay;
    const hours = Math.floor(second / 3600);
    const minutes = Math.floor(second / 60) % 60;
    return `${latestDayText} ${twoDigits[hours]}:${twoDigits[minutes]}:${twoDigits[second % 60]}`;
}
