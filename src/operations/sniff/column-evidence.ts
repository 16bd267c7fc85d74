/** What was seen in a column, in memory that does not grow with the file: how many values of each form, and the first of each. */
import { addDay, type DayFacts, noDays } from "./date-format.ts";
import { type Form, formOf, isDay } from "./value-form.ts";

export interface Example {
    value: string;
    recordNo: number;
}

export interface FormCount {
    count: number;
    first: Example;
}

/** Sums of the numbers, whatever marks they are written with. */
export interface NumberFacts {
    /** Of the integer part, without its leading zeros. */
    mostWholeDigits: number;
    leastDecimals: number;
    mostDecimals: number;
    /** Digits that count, and the power of ten, of those with an exponent. */
    mostSignificantDigits: number;
    mostExponent: number;
    isPastBigint: boolean;
    isNegative: boolean;
    /** Some have a point that begins their decimals, and up to three digits before three others are not meant. */
    hasPoint: boolean;
    /** Whole numbers that are 0 or 1, eight digits of a day, seconds and milliseconds since 1970, or end with a check digit. */
    zeroOrOne: number;
    compactDays: number;
    epochSeconds: number;
    epochMilliseconds: number;
    checkDigits: number;
}

const mostMarks = 8;
const mostWords = 8;

export class ColumnEvidence {
    records = 0;
    longest = 0;
    hasSpaces = false;
    /** Of a time: all are whole minutes. */
    isWholeMinutes = true;
    readonly forms = new Map<Form, FormCount>();
    readonly numbers: NumberFacts = {
        mostWholeDigits: 0,
        leastDecimals: Number.POSITIVE_INFINITY,
        mostDecimals: 0,
        mostSignificantDigits: 0,
        mostExponent: 0,
        isPastBigint: false,
        isNegative: false,
        hasPoint: false,
        zeroOrOne: 0,
        compactDays: 0,
        epochSeconds: 0,
        epochMilliseconds: 0,
        checkDigits: 0,
    };
    readonly days: DayFacts = noDays();
    /** Clocks of 24:00 and later. */
    pastMidnight: Example | null = null;
    /** The marks for a missing value, as they are written. */
    readonly missingMarks = new Map<string, number>();
    /** The words of booleans, as they are written, in lower case by kind. */
    readonly words = new Set<string>();
    readonly spellings = new Set<string>();
    /** Whether the name of the column, as the header has it, is a value of it too. */
    hasOwnName = false;

    constructor(private readonly header: string) {}

    /** `value` has no white space around it. */
    add(value: string, recordNo: number): void {
        this.records += 1;
        const form = formOf(value);
        const known = this.forms.get(form);
        if (known) known.count += 1;
        else this.forms.set(form, { count: 1, first: { value, recordNo } });
        if (form === "empty") return;
        if (value.length > this.longest) this.longest = value.length;
        if (!this.hasSpaces && value.includes(" ")) this.hasSpaces = true;
        if (value === this.header) this.hasOwnName = true;
        this.addFacts(value, form, recordNo);
    }

    countOf(...wanted: readonly Form[]): number {
        return wanted.reduce((sum, form) => sum + (this.forms.get(form)?.count ?? 0), 0);
    }

    /** Of the values that are there and are no mark for a missing one. */
    get valueCount(): number {
        return this.records - this.countOf("empty", "missing_mark");
    }

    /** The first value whose form is none of these. */
    firstOther(wanted: readonly Form[]): Example | null {
        const others = [...this.forms].filter(
            ([form]) => form !== "empty" && form !== "missing_mark" && !wanted.includes(form),
        );
        const examples = others.map(([, { first }]) => first);
        return examples.sort((a, b) => a.recordNo - b.recordNo)[0] ?? null;
    }

    private addFacts(value: string, form: Form, recordNo: number): void {
        switch (form) {
            case "other":
            case "uuid":
            case "json":
            case "date":
            case "percent":
            case "currency":
                return;
            case "missing_mark":
                if (this.missingMarks.size < mostMarks || this.missingMarks.has(value)) {
                    this.missingMarks.set(value, (this.missingMarks.get(value) ?? 0) + 1);
                }
                return;
            case "true_false":
            case "t_f":
            case "yes_no":
            case "y_n":
            case "on_off":
                if (this.spellings.size < mostWords) this.spellings.add(value);
                this.words.add(value.toLowerCase());
                return;
            case "day_month":
                addDay(this.days, value);
                return;
            case "clock":
                if (this.pastMidnight === null && Number(value.slice(0, value.indexOf(":"))) >= 24) {
                    this.pastMidnight = { value, recordNo };
                }
                return;
            case "timestamp":
            case "timestamptz":
                if (this.isWholeMinutes && /:\d\d:(?!00(?:\.0+)?(?:[^.\d]|$))/.test(value)) this.isWholeMinutes = false;
                return;
            default:
                this.addNumber(value, form);
        }
    }

    private addNumber(value: string, form: Form): void {
        const facts = this.numbers;
        if (value.charCodeAt(0) === 0x2d) facts.isNegative = true;
        if (form === "exponent") {
            const [mantissa, exponent] = value.toLowerCase().split("e") as [string, string];
            const significant = mantissa.replace(/\D/g, "").replace(/^0+/, "").length;
            facts.mostSignificantDigits = Math.max(facts.mostSignificantDigits, significant);
            facts.mostExponent = Math.max(facts.mostExponent, Math.abs(Number(exponent)));
            return;
        }
        const digits = value.charCodeAt(0) <= 0x2d && !value.startsWith(",") ? value.replace(/^[+-]/, "") : value;
        if (form === "integer" || form === "signed_integer") addInteger(facts, digits, value);
        // What these are, the style of the file decides.
        if (form === "thousandths" || form === "comma_thousandths") return;
        const mark = decimalMarks[form];
        const place = mark === undefined ? -1 : digits.lastIndexOf(mark);
        const whole = (place === -1 ? digits : digits.slice(0, place)).replace(/\D/g, "").replace(/^0+/, "").length;
        const decimals = place === -1 ? 0 : digits.length - place - 1;
        if (mark === "." && place !== -1) facts.hasPoint = true;
        facts.mostWholeDigits = Math.max(facts.mostWholeDigits, whole);
        facts.leastDecimals = Math.min(facts.leastDecimals, decimals);
        facts.mostDecimals = Math.max(facts.mostDecimals, decimals);
        facts.mostSignificantDigits = Math.max(facts.mostSignificantDigits, whole + decimals);
    }
}

/** Where decimals begin. */
const decimalMarks: Partial<Record<Form, string>> = {
    decimal: ".",
    signed_decimal: ".",
    comma_decimal: ",",
    point_groups_comma: ",",
    comma_groups: ".",
    space_groups: ".",
    space_groups_comma: ",",
    apostrophe_groups: ".",
};

const bigintLimit = "9223372036854775807";

function addInteger(facts: NumberFacts, digits: string, value: string): void {
    const { length } = digits;
    if (length >= 19 && (length > 19 || digits > bigintLimit)) facts.isPastBigint = true;
    if (value === "0" || value === "1") facts.zeroOrOne += 1;
    if (length < 8) return;
    if (length === 8 && isDay(/^((?:19|20)\d\d)(\d\d)(\d\d)$/.exec(digits) ?? [])) facts.compactDays += 1;
    // From 2001 to 2033 and to 2040.
    if (length === 10 && digits < "2200000000") facts.epochSeconds += 1;
    if (length === 13 && digits < "2200000000000") facts.epochMilliseconds += 1;
    if (hasCheckDigit(digits)) facts.checkDigits += 1;
}

/** As EAN-8, UPC, EAN-13, GTIN-14 (weights 3 and 1) or cards and IMEIs (Luhn) end. */
function hasCheckDigit(digits: string): boolean {
    const { length } = digits;
    const isArticle = length === 8 || (length >= 12 && length <= 14);
    if (!isArticle && (length < 15 || length > 19)) return false;
    let sum = 0;
    for (let place = 0; place < length; place += 1) {
        const digit = digits.charCodeAt(length - 1 - place) - 0x30;
        const isOdd = place % 2 === 1;
        if (isArticle) sum += isOdd ? digit * 3 : digit;
        else sum += isOdd ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
    }
    return sum % 10 === 0;
}
