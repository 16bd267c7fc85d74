/**
 * From what was seen in a column to a Postgres type, with the evidence in words. A type is proposed when every value has that
 * reading and no other; everything else is text, and the note says why. Pure.
 */
import { formatNumber } from "../../terminal/format.ts";
import type { ColumnEvidence } from "./column-evidence.ts";
import { describeText } from "./describe-text.ts";
import { idRank, isCodeName } from "./name-words.ts";
import type { NumberStyle } from "./number-style.ts";
import type { Form } from "./value-form.ts";

export interface TypeProposal {
    /** As `create table` writes it. */
    type: string;
    /** What it rests on, in words. */
    note: string;
}

export function proposeType(name: string, column: ColumnEvidence, style: NumberStyle): TypeProposal {
    if (column.records === 0) return { type: "text", note: "no records yet" };
    if (column.records === column.countOf("empty")) {
        return { type: "text", note: `empty in all ${formatNumber(column.records)} records` };
    }
    const found = column.valueCount === 0 ? null : proposeTyped(name, column, style);
    if (found === null) return { type: "text", note: describeText(name, column, style) };
    // Declared as nulls, these marks would leave a column of that type.
    if (column.countOf("missing_mark") > 0) return { type: "text", note: describeText(name, column, style, found) };
    return found;
}

/** Null: it can only be text. */
function proposeTyped(name: string, column: ColumnEvidence, style: NumberStyle): TypeProposal | null {
    const isAll = (...forms: Form[]) => column.countOf(...forms) === column.valueCount;
    const all = `all ${formatNumber(column.valueCount)}`;
    if (isAll("uuid")) return { type: "uuid", note: `${all} are UUIDs` };
    if (isAll("json")) return { type: "jsonb", note: `${all} are JSON` };
    if (isAll("date")) return { type: "date", note: `${all} are dates, YYYY-MM-DD` };
    if (isAll("timestamptz")) return { type: "timestamptz", note: `${all} are moments with an offset` };
    if (isAll("timestamp")) {
        const remedy = "with --type COLUMN=timestamptz they are read as UTC";
        return { type: "timestamp", note: `${all} are times that have no offset; ${remedy}` };
    }
    return proposeBoolean(column, isAll) ?? proposeNumber(name, column, style);
}

/** Both words of a pair, or true or false: a column of nothing but NO may be about Norway. */
function proposeBoolean(column: ColumnEvidence, isAll: (...forms: Form[]) => boolean): TypeProposal | null {
    const isPair = column.words.size === 2;
    if (!isAll("true_false") && !(isPair && (isAll("t_f") || isAll("yes_no") || isAll("y_n") || isAll("on_off"))))
        return null;
    return { type: "boolean", note: `all are ${[...column.spellings].join(", ")}` };
}

const mostIntegerDigits = 8;
const leastWholeDigits = 10;
const spareDigits = 4;
/** What double precision keeps of a decimal number. */
const doubleDigits = 15;
const doubleExponent = 300;
const leastCheckDigits = 5;

function proposeNumber(name: string, column: ColumnEvidence, style: NumberStyle): TypeProposal | null {
    const { numbers, valueCount } = column;
    // A plus sign stands before phone numbers, too; not in a column that has negative ones.
    const signed: Form[] = numbers.isNegative ? ["signed_integer", "signed_decimal"] : [];
    const numberForms = [...style.numberForms, ...signed];
    const isNumbers = column.countOf(...numberForms, "exponent") === valueCount;
    if (!isNumbers || isCodeName(name)) return null;
    if (column.countOf("exponent") > 0) return proposeExponent(column);
    const digits = digitsOf(column, style);
    const written = style.format === null ? "" : describeFormat(style, column);
    if (digits.most === 0) return proposeInteger(name, column, digits.whole, written);
    if (digits.most > 2 && digits.least !== digits.most) {
        return { type: "numeric", note: `${digits.least} to ${digits.most} decimals${written}` };
    }
    const scale = Math.max(2, digits.most);
    const whole = Math.max(leastWholeDigits, digits.whole + spareDigits);
    const seen = `up to ${plural(digits.whole, "digit")} and ${plural(digits.most, "decimal")} in ${formatNumber(valueCount)} values`;
    return { type: `numeric(${whole + scale},${scale})`, note: seen + written };
}

/** The digits of its numbers by the style of the file, in which `1.234` has three decimals or none. */
function digitsOf(column: ColumnEvidence, { format }: NumberStyle) {
    const { mostWholeDigits, leastDecimals, mostDecimals } = column.numbers;
    const isGrouped = (form: Form, mark: string) => column.countOf(form) > 0 && format?.thousands === mark;
    const grouped = isGrouped("thousandths", ".") || isGrouped("comma_thousandths", ",");
    const thousandths = column.countOf("thousandths", "comma_thousandths") > 0 && !grouped;
    return {
        whole: Math.max(mostWholeDigits, grouped ? 6 : 0, thousandths ? 3 : 0),
        least: Math.min(leastDecimals, grouped ? 0 : thousandths ? 3 : leastDecimals),
        most: Math.max(mostDecimals, thousandths ? 3 : 0),
    };
}

function proposeInteger(
    name: string,
    { numbers, valueCount }: ColumnEvidence,
    digits: number,
    written: string,
): TypeProposal | null {
    const isAll = (count: number) => count === valueCount;
    if (numbers.isPastBigint) return null;
    if (isAll(numbers.compactDays)) return null;
    if (isAll(numbers.checkDigits) && valueCount >= leastCheckDigits) return null;
    const note = `all ${formatNumber(valueCount)} are whole numbers`;
    if (isAll(numbers.epochSeconds)) return { type: "bigint", note: `${note}; may be seconds since 1970` };
    if (isAll(numbers.epochMilliseconds)) return { type: "bigint", note: `${note}; may be milliseconds since 1970` };
    if (isAll(numbers.zeroOrOne)) return { type: "integer", note: `${note}, only 0 and 1: a count, or a flag` };
    const isLarge = idRank(name) > 0 || digits > mostIntegerDigits;
    return { type: isLarge ? "bigint" : "integer", note: `${note}, up to ${plural(digits, "digit")}${written}` };
}

function proposeExponent({ numbers }: ColumnEvidence): TypeProposal {
    const { mostSignificantDigits, mostExponent } = numbers;
    const isDouble = mostSignificantDigits <= doubleDigits && mostExponent <= doubleExponent;
    const note = `numbers, some with an exponent, up to ${plural(mostSignificantDigits, "digit")}`;
    return { type: isDouble ? "double precision" : "numeric", note };
}

function describeFormat({ format }: NumberStyle, column: ColumnEvidence): string {
    const hasComma = column.countOf("comma_decimal", "point_groups_comma", "space_groups_comma") > 0;
    const isGrouped =
        column.countOf(
            "thousandths",
            "comma_thousandths",
            "point_groups",
            "point_groups_comma",
            "comma_groups",
            "space_groups",
            "space_groups_comma",
            "apostrophe_groups",
        ) > 0;
    const says = [
        ...(hasComma ? ["decimal comma"] : []),
        ...(isGrouped && format?.thousands ? [`"${format.thousands}" between thousands`] : []),
    ];
    return says.length === 0 ? "" : `; ${says.join(", ")}`;
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
