/** What the name of a column says. Names decide for text and for larger types only, never that a text is a number. Pure. */

/** `orderId`, `Order-ID`, `order_id` → order, id. */
export function wordsOf(name: string): string[] {
    return name
        .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
        .toLowerCase()
        .split(/[^\p{L}\p{N}]+/u)
        .filter((word) => word !== "");
}

const set = (words: string) => new Set(words.split(" "));

const numberWords = set("no nr num number nummer numero número");
/** Digits that are no amount: as numbers they would lose zeros in front. */
const codeWords = set(
    "zip zipcode plz postleitzahl postal postalcode postcode phone phonenumber tel telephone telefon mobile mobil handy fax " +
        "iban bic ean gtin upc isbn issn barcode sku ssn vat blz imei imsi msisdn pzn npi hash checksum siret siren",
);
/** The same where they stand last: an account_balance is an amount. */
const lastCodeWords = set("account konto kontonummer card version release code");
const amountWords = set("count total amount sum balance avg average qty size");
const statusWords = set("status http response exit error return");

export function isCodeName(name: string): boolean {
    const words = wordsOf(name);
    const last = words.at(-1) ?? "";
    if (amountWords.has(last)) return false;
    if (last === "code" && words.some((word) => statusWords.has(word))) return false;
    if (words.some((word) => codeWords.has(word))) return true;
    const named = numberWords.has(last) ? words.at(-2) : last;
    return lastCodeWords.has(named ?? "");
}

const idWords = set("id ids uuid guid key");
const referenceWords = set("code ref reference referenz serial sku isbn ean gtin vin imei pzn");
const personalWords = set("phone tel telefon mobile mobil fax account card house konto haus");

/** 2: it names a thing; 1: it may; 0: it does not say so. */
export function idRank(name: string): number {
    const words = wordsOf(name);
    const last = words.at(-1) ?? "";
    if (words.some((word) => personalWords.has(word)) && !idWords.has(last)) return 0;
    if (idWords.has(last)) return 2;
    const isNumber = numberWords.has(last) || /\p{L}(?:nummer|number)$/u.test(last);
    return isNumber || referenceWords.has(last) ? 1 : 0;
}

const seriesWords = set(
    "seq sequence line zeile pos position item idx index round week woche month monat quarter quartal year jahr hour stunde",
);

/** Whether it counts within something: the lines of an order, the stops of a trip. */
export function isSeriesName(name: string): boolean {
    return wordsOf(name).some((word) => seriesWords.has(word));
}

const entityWords = set("symbol ticker station device sensor stop trip route vehicle");

/** Whether it names one of a few things that come again and again. */
export function isEntityName(name: string): boolean {
    return wordsOf(name).some((word) => entityWords.has(word));
}
