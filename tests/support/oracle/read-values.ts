/**
 * The text of one value → its typed value, by the rules of docs/data_contract.md.
 *
 * Typed values are texts that are equal exactly when the values are: a uuid in lower case, an instant in UTC with six
 * decimals, a number without needless zeros. Part of the oracle: shares nothing with src/.
 */
export type Typed = { value: string | null } | { problem: string };

export type Rule = (text: string | null) => Typed;

/** Trims ASCII white space; then empty is null. Takes and gives Unicode text. */
export function readText(raw: string): string | null {
    const isSpace = (index: number) => {
        const code = raw.charCodeAt(index);
        return code === 32 || (code >= 9 && code <= 13);
    };
    let start = 0;
    let end = raw.length;
    while (start < end && isSpace(start)) start++;
    while (end > start && isSpace(end - 1)) end--;
    return start === end ? null : raw.slice(start, end);
}

const required =
    (rule: (text: string) => Typed): Rule =>
    (text) =>
        text === null ? { problem: "missing" } : rule(text);

const optional =
    (rule: (text: string) => Typed): Rule =>
    (text) =>
        text === null ? { value: null } : rule(text);

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const knownTypes = ["view", "add_to_cart", "remove_from_cart", "purchase"];
const largestInteger = 2_147_483_647;

function readUuid(text: string): Typed {
    return uuidForm.test(text) ? { value: text.toLowerCase() } : { problem: "not a uuid" };
}

function readEventType(text: string): Typed {
    return knownTypes.includes(text) ? { value: text } : { problem: "unknown type" };
}

function readShortText(text: string): Typed {
    // Length in characters, not in UTF-16 units; the spread is only needed past 100 of those.
    const isLong = text.length > 100 && [...text].length > 100;
    return isLong ? { problem: "longer than 100 characters" } : { value: text };
}

function readQuantity(text: string): Typed {
    if (!/^([0-9]+|-0+)$/.test(text)) return { problem: "not digits" };
    const digits = text.replace(/^-?0+(?=.)/, "").replace(/^-/, "");
    const fits = digits.length <= 10 && Number(digits) <= largestInteger;
    return fits ? { value: digits } : { problem: "larger than an integer" };
}

function readPrice(text: string): Typed {
    // Zero may have a minus sign.
    const match = /^([0-9]+)(?:\.([0-9]+))?$/.exec(text.replace(/^-(?=[0.]+$)/, ""));
    if (!match) return { problem: "not a price" };
    const units = match[1]!.replace(/^0+(?=.)/, "");
    const decimals = (match[2] ?? "").replace(/0+$/, "");
    if (decimals.length > 2) return { problem: "more than two decimals" };
    if (units.length > 8) return { problem: "more than eight digits" };
    return { value: `${units}.${decimals.padEnd(2, "0")}` };
}

const timestampForm = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?$/;

/** `latestMs`: milliseconds since 1970 of the latest instant that is not too far in the future. */
function readTimestamp(latestMs: number): (text: string) => Typed {
    return (text) => {
        const match = timestampForm.exec(text);
        if (!match) return { problem: "not a timestamp" };
        const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
        const offsetHours = Number(match[9] ?? 0);
        const offsetMinutes = Number(match[10] ?? 0);
        if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return { problem: "no real date" };
        if (hour > 23 || minute > 59 || second > 59) return { problem: "no real time of day" };
        if (offsetHours > 15 || offsetMinutes > 59) return { problem: "no real offset" };
        const decimals = (match[7] ?? "").replace(/0+$/, "");
        if (decimals.length > 6) return { problem: "more than six decimals" };

        const offset = (match[8] === "-" ? -1 : 1) * (offsetHours * 60 + offsetMinutes);
        const wholeMs = Date.UTC(year, month - 1, day, hour, minute - offset, second);
        // Date.UTC takes the years 0 to 99 for 1900 to 1999.
        if (year < 1900 || wholeMs < 0) return { problem: "before 1970" };
        const microseconds = decimals.padEnd(6, "0");
        if (wholeMs + Number(microseconds) / 1000 > latestMs) return { problem: "in the future" };
        return { value: `${new Date(wholeMs).toISOString().slice(0, 19)}.${microseconds}Z` };
    };
}

function daysInMonth(year: number, month: number): number {
    if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
    return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The known columns in the order of the table. */
export const columnNames = [
    "event_id",
    "event_type",
    "product_id",
    "user_id",
    "event_timestamp",
    "quantity",
    "price",
] as const;

export const requiredColumns: readonly string[] = columnNames.slice(0, 5);

export function createRules(latestMs: number): Record<(typeof columnNames)[number], Rule> {
    return {
        event_id: required(readUuid),
        event_type: required(readEventType),
        product_id: required(readShortText),
        user_id: required(readShortText),
        event_timestamp: required(readTimestamp(latestMs)),
        quantity: optional(readQuantity),
        price: optional(readPrice),
    };
}
