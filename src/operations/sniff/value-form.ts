/** What a value looks like: exactly one form each, by its text alone. What the forms of a column mean together is decided elsewhere. Pure. */
import { isJsonbText } from "./jsonb-text.ts";

export const forms = [
    "empty",
    "missing_mark",
    "integer",
    "signed_integer",
    "zero_integer",
    "decimal",
    "signed_decimal",
    "thousandths",
    "exponent",
    "comma_decimal",
    "comma_thousandths",
    "point_groups",
    "point_groups_comma",
    "comma_groups",
    "space_groups",
    "space_groups_comma",
    "apostrophe_groups",
    "percent",
    "currency",
    "true_false",
    "t_f",
    "yes_no",
    "y_n",
    "on_off",
    "uuid",
    "date",
    "timestamp",
    "timestamptz",
    "excess_decimals",
    "day_month",
    "clock",
    "json",
    "other",
] as const;
export type Form = (typeof forms)[number];

/** Longer values are texts, or JSON. */
const longestForm = 64;

const words: Record<string, Form> = {
    true: "true_false",
    false: "true_false",
    t: "t_f",
    f: "t_f",
    yes: "yes_no",
    no: "yes_no",
    y: "y_n",
    n: "y_n",
    on: "on_off",
    off: "on_off",
};

/** In lower case. What programs write for a value that is not there. */
const missingMarks = new Set(
    "na n/a n.a. #n/a #na null (null) <null> nil none nan - -- --- ? . .. \\n missing k.a. #value! #ref! #div/0!".split(
        " ",
    ),
);

const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.(\d+))?$/;
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const date = /^(\d{4})-(\d\d)-(\d\d)$/;
const moment =
    /^(\d{4})-(\d\d)-(\d\d)[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.(\d+))?)?( ?(?:Z|UTC|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?))?$/;
const clock = /^\d{1,4}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?|\.\d+)?$/;
const dayMonth = /^\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)(?:[ T,]+\d.*)?$/;
const percent = /^[+-]?[\d.,' ]*\d[\d.,' ]*[ \u00a0\u202f]?%$/;
const unit =
    "(?:[€$£¥₹]|EUR|USD|GBP|CHF|JPY|CNY|INR|PLN|CZK|SEK|NOK|DKK|HUF|RON|AUD|CAD|NZD|BRL|MXN|TRY|ZAR|KRW|Fr\\.|zł|Kč|kr)";
const amount = "[+-]?\\d[\\d.,' ]*";
const currency = new RegExp(`^[+-]?${unit}[ \u00a0]?${amount}$|^${amount}[ \u00a0\u202f]?${unit}$`);

/** In this order: the first that fits. None of the numbers here is a plain one. */
const numberForms: readonly (readonly [RegExp, Form])[] = [
    [/^-?0\d+(?:[.,]\d+)?$/, "zero_integer"],
    [/^\+0\d+$/, "zero_integer"],
    [/^\+\d+$/, "signed_integer"],
    [/^\+(?:0|[1-9]\d*)\.\d+$/, "signed_decimal"],
    [/^-?\.\d+$/, "decimal"],
    // 1e5 may as well be a code: an exponent has a sign, or a point before it.
    [/^[+-]?(?:\d\.\d+[eE][+-]?|\d+[eE][+-])\d{1,3}$/, "exponent"],
    [/^[+-]?[1-9]\d{0,2},\d{3}$/, "comma_thousandths"],
    [/^[+-]?\d+,\d+$/, "comma_decimal"],
    [/^[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+$/, "point_groups_comma"],
    [/^[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}$/, "point_groups"],
    [/^[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$/, "comma_groups"],
    [/^[+-]?[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})+,\d+$/, "space_groups_comma"],
    [/^[+-]?[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})+(?:\.\d+)?$/, "space_groups"],
    [/^[+-]?[1-9]\d{0,2}(?:['’]\d{3})+(?:\.\d+)?$/, "apostrophe_groups"],
];

/** The form of a value without white space around it. */
export function formOf(value: string): Form {
    if (value === "") return "empty";
    const first = value.charCodeAt(0);
    // { or [
    if (first === 0x7b || first === 0x5b) return isJsonbText(value) ? "json" : "other";
    if (value.length > longestForm) return /^-?\d+$/.test(value) ? numberForm(value) : "other";
    const isDigit = first >= 0x30 && first <= 0x39;
    // + - .
    if (isDigit || (first >= 0x2b && first <= 0x2e)) {
        const number = plainNumber.exec(value);
        if (number !== null) return plainForm(value, number[1]);
        return otherDigits(value, isDigit);
    }
    return wordForm(value);
}

/** `1.234` may be a thousand or so: it has up to three digits, none of them a leading zero, before three decimals. */
function plainForm(value: string, decimals: string | undefined): Form {
    if (decimals === undefined) return "integer";
    return decimals.length === 3 && /^-?[1-9]\d{0,2}\./.test(value) ? "thousandths" : "decimal";
}

function otherDigits(value: string, isDigit: boolean): Form {
    if (isDigit) {
        const day = date.exec(value);
        if (day !== null) return isDay(day) ? "date" : "other";
        const instant = moment.exec(value);
        if (instant !== null) return momentForm(instant);
        if (clock.test(value)) return "clock";
        if (dayMonth.test(value)) return "day_month";
    }
    return numberForm(value);
}

function numberForm(value: string): Form {
    for (const [pattern, form] of numberForms) if (pattern.test(value)) return form;
    if (/^-?\d+$/.test(value)) return "integer";
    return wordForm(value);
}

function momentForm(instant: RegExpExecArray): Form {
    const [, , , , decimals = "", offset] = instant;
    if (!isDay(instant)) return "other";
    if (/[1-9]/.test(decimals.slice(6))) return "excess_decimals";
    return offset === undefined ? "timestamp" : "timestamptz";
}

const daysInMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A real day, of a year that Postgres has. */
export function isDay([, year, month, day]: readonly string[]): boolean {
    const [y, m, d] = [Number(year), Number(month), Number(day)];
    if (y < 1 || m < 1 || m > 12 || d < 1 || d > daysInMonth[m - 1]!) return false;
    return m !== 2 || d < 29 || (y % 4 === 0 && (y % 100 !== 0 || y % 400 === 0));
}

function wordForm(value: string): Form {
    if (value.length <= 8) {
        const word = value.toLowerCase();
        if (Object.hasOwn(words, word)) return words[word]!;
        if (missingMarks.has(word)) return "missing_mark";
    }
    if (uuid.test(value)) return "uuid";
    if (value.endsWith("%") && percent.test(value)) return "percent";
    return currency.test(value) ? "currency" : "other";
}
