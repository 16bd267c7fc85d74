/** Numbers that another program has written in a country's way come back as the same numbers. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createNumberReader } from "../../src/streams/values/read-number.ts";

const countries = [
    ["de-DE", { decimal: ",", thousands: "." }],
    ["fr-FR", { decimal: ",", thousands: " " }],
    ["de-CH", { decimal: ".", thousands: "'" }],
    ["en-US", { decimal: ".", thousands: "," }],
] as const;

test.each(countries)("what is written as in %s is read as the same number", (country, format) => {
    const read = createNumberReader(format);
    const written = new Intl.NumberFormat(country, { minimumFractionDigits: 2 });
    fc.assert(
        fc.property(fc.integer({ min: -10_000_000_00, max: 10_000_000_00 }), (cents) => {
            const value = cents / 100;
            expect(Number(read(written.format(value)))).toBe(value === 0 ? 0 : value);
        }),
    );
});

test("an exponent moves the point, and nothing is rounded", () => {
    const read = createNumberReader({});
    const digits = fc.bigInt({ min: 0n, max: 10n ** 25n });
    fc.assert(
        fc.property(
            digits,
            fc.integer({ min: 0, max: 30 }),
            fc.integer({ min: -30, max: 30 }),
            (number, places, exponent) => {
                const text = number.toString().padStart(places + 1, "0");
                const point = text.length - places;
                const given = `${text.slice(0, point)}.${text.slice(point)}e${exponent}`;
                // Both as whole numbers of 10^-60.
                const [whole = "", decimals = ""] = read(given).split(".");
                expect(BigInt(whole + decimals.padEnd(60, "0"))).toBe(number * 10n ** BigInt(60 - places + exponent));
            },
        ),
    );
});
