/** Why a column is text although it might have been more: the value that decides, and how to say otherwise. Pure. */
import { formatCount, formatNumber } from "../../terminal/format.ts";
import type { ColumnEvidence, Example } from "./column-evidence.ts";
import { dateFormatsOf } from "./date-format.ts";
import { isCodeName } from "./name-words.ts";
import type { NumberStyle } from "./number-style.ts";
import type { TypeProposal } from "./propose-type.ts";
import type { Form } from "./value-form.ts";

const longestExample = 40;

function quoted(value: string): string {
    const cut = value.length > longestExample ? `${value.slice(0, longestExample)}…` : value;
    return `"${cut.replace(/[\x00-\x1f\x7f]/g, " ")}"`;
}

/** `typed`: what it would be without its marks for missing values. */
export function describeText(
    name: string,
    column: ColumnEvidence,
    style: NumberStyle,
    typed: TypeProposal | null = null,
): string {
    const missing = column.countOf("missing_mark");
    if (typed !== null || missing === column.records - column.countOf("empty")) return describeMissing(column, typed);
    return (
        describeCode(name, column) ??
        describeTime(column) ??
        describeNumber(column, style) ??
        describeOutlier(column) ??
        `up to ${formatCount(column.longest, "character")}`
    );
}

function describeMissing({ missingMarks }: ColumnEvidence, typed: TypeProposal | null): string {
    const marks = [...missingMarks];
    const counts = marks.map(([mark, count]) => `${quoted(mark)} (${formatNumber(count)})`).join(", ");
    const flags = marks.map(([mark]) => `--null ${JSON.stringify(mark)}`).join(" ");
    const then = typed === null ? "" : `, and the column is ${typed.type}`;
    return `text: may stand for a missing value: ${counts}; if so, give ${flags}${then}`;
}

const numericForms: readonly Form[] = [
    "integer",
    "signed_integer",
    "zero_integer",
    "decimal",
    "signed_decimal",
    "thousandths",
    "exponent",
];

function describeCode(name: string, column: ColumnEvidence): string | null {
    const { valueCount, numbers } = column;
    const zero = column.forms.get("zero_integer")?.first;
    if (zero && column.countOf(...numericForms) * 2 > valueCount) return `text: ${quoted(zero.value)} begins with 0`;
    if (column.countOf(...numericForms) !== valueCount) return null;
    if (isCodeName(name)) return "text: named like a code, and a number would lose leading zeros";
    const plus = column.forms.get("signed_integer")?.first ?? column.forms.get("signed_decimal")?.first;
    if (plus && !numbers.isNegative) return `text: ${quoted(plus.value)} begins with +, as phone numbers do`;
    if (column.countOf("integer") !== valueCount) return null;
    const { first } = column.forms.get("integer")!;
    if (numbers.isPastBigint) return "text: some are larger than bigint; numbers by --type COLUMN=numeric";
    if (numbers.compactDays === valueCount) {
        return `text: ${first.value} may be a date; a number by --type COLUMN=integer`;
    }
    return `text: all end with a check digit, as article and card numbers do; a number by --type COLUMN=bigint`;
}

function describeTime(column: ColumnEvidence): string | null {
    const { valueCount, days } = column;
    const isAll = (...forms: Form[]) => column.countOf(...forms) === valueCount;
    const excess = column.forms.get("excess_decimals");
    if (excess && isAll("excess_decimals", "timestamp", "timestamptz")) {
        const decimals = /\.(\d+)/.exec(excess.first.value)![1]!.length;
        return `text: ${quoted(excess.first.value)} has ${decimals} decimals, and Postgres keeps 6`;
    }
    if (column.countOf("timestamp") > 0 && column.countOf("timestamptz") > 0 && isAll("timestamp", "timestamptz")) {
        return "text: some have an offset and others have none; with --type COLUMN=timestamptz these are read as UTC";
    }
    if (isAll("day_month")) return describeDays(column.forms.get("day_month")!.first, days, dateFormatsOf(column));
    if (!isAll("clock")) return null;
    if (column.pastMidnight !== null) {
        return `text: ${quoted(column.pastMidnight.value)} is no time of day; an interval by --type COLUMN=interval`;
    }
    return "text: may be a time of day or a duration; say which by --type COLUMN=time or COLUMN=interval";
}

const months = "January February March April May June July August September October November December".split(" ");

function describeDays(
    { value }: Example,
    { firstOver12, secondOver12 }: ColumnEvidence["days"],
    formats: readonly string[],
): string {
    const type = formats[0]?.includes("mm") ? "timestamp" : "date";
    const remedy =
        formats.length === 0
            ? ""
            : `; as dates: --type COLUMN=${type}${formats.length === 1 ? "" : formats.map((format) => ` --date "${format}"`).join(" or")}`;
    return describeOrder(value, firstOver12, secondOver12) + remedy;
}

function describeOrder(value: string, firstOver12: number, secondOver12: number): string {
    const shown = quoted(value);
    if (firstOver12 > 0 && secondOver12 > 0) return `text: written day first and month first, such as ${shown}`;
    if (firstOver12 > 0) return `text: dates with the day first, such as ${shown}`;
    if (secondOver12 > 0) return `text: dates with the month first, such as ${shown}`;
    const [first, second] = value.split(/[./-]/, 2).map((digits) => months[Number(digits) - 1]);
    const either = [...new Set([first, second])].sort((a, b) => months.indexOf(a!) - months.indexOf(b!));
    if (either.length < 2) return `text: ${shown} does not say whether the day or the month comes first`;
    return `text: ${value} may be ${either.join(" or ")}`;
}

function describeNumber(column: ColumnEvidence, style: NumberStyle): string | null {
    const { valueCount } = column;
    const isAll = (...forms: Form[]) => column.countOf(...forms) === valueCount;
    const firstOf = (form: Form) => column.forms.get(form)?.first.value ?? "";
    if (column.countOf("percent") > 0 && isAll("percent", "integer", "decimal", "comma_decimal")) {
        return `text: ${quoted(firstOf("percent"))} has a percent sign`;
    }
    if (column.countOf("currency") > 0 && isAll("currency", "integer", "decimal", "comma_decimal")) {
        return `text: ${quoted(firstOf("currency"))} has a currency`;
    }
    const grouped: Form[] = [
        "comma_decimal",
        "point_groups",
        "point_groups_comma",
        "comma_groups",
        "space_groups",
        "space_groups_comma",
        "apostrophe_groups",
    ];
    if (!isAll(...grouped, "integer", "decimal", "thousandths", "comma_thousandths")) return null;
    if (style.isContradictory && column.countOf(...grouped) > 0) {
        return "text: the file has numbers with a decimal point and comma, and one way to write them can be declared";
    }
    const [form, decimal, thousands] =
        column.countOf("comma_thousandths") > 0
            ? (["comma_thousandths", ",", ","] as const)
            : (["thousandths", ".", "."] as const);
    const value = firstOf(form);
    if (value === "") return null;
    const flags = `--decimal ${JSON.stringify(decimal)} or --thousands ${JSON.stringify(thousands)}`;
    return `text: ${quoted(value)} may be ${value.replace(/[.,]/, "")} or ${value.replace(",", ".")}; say which by ${flags}`;
}

/** The types that one value may have spoilt, and what each is called. */
const nearTypes: readonly (readonly [string, readonly Form[]])[] = [
    ["whole number", ["integer"]],
    ["number", ["integer", "decimal", "thousandths", "exponent"]],
    ["date", ["date"]],
    ["timestamp with an offset", ["timestamptz"]],
    ["timestamp", ["timestamp"]],
    ["UUID", ["uuid"]],
    ["JSON", ["json"]],
    ["boolean", ["true_false"]],
];
/** A column of which fewer have the type is text for more than one reason. */
const leastShare = 0.3;

function describeOutlier(column: ColumnEvidence): string | null {
    const { valueCount } = column;
    const [name, allowed] = nearTypes.reduce((best, near) =>
        column.countOf(...near[1]) > column.countOf(...best[1]) ? near : best,
    );
    const fitting = column.countOf(...allowed);
    const other = column.firstOther(allowed);
    if (fitting < valueCount * leastShare || fitting === 0 || other === null) return null;
    const share = `${formatNumber(fitting)} of ${formatNumber(valueCount)} are`;
    return `text: ${quoted(other.value)} in record ${formatNumber(other.recordNo)} is no ${name}; ${share}`;
}
