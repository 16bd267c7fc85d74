/** sluice.config.ts: what it may say, and that every fault in it is named at once. */
import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadConfigFile, readConfigFile } from "../../src/config/read-config-file.ts";
import { validateConfig } from "../../src/config/validate-config.ts";
import { SluiceError } from "../../src/errors.ts";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { sourceKey, sourceOf } from "../../src/streams/source-of.ts";
import { makeFolder } from "../support/fixture.ts";

const faultsOf = (source: unknown): string[] => {
    const validated = validateConfig({ sources: [source] }, eventsStream);
    return "faults" in validated ? validated.faults.map(({ at, problem }) => `${at} ${problem}`) : [];
};

describe("a source", () => {
    test("may say everything at once", () => {
        const source = {
            match: "*.csv",
            delimiter: ";",
            quote: "'",
            escape: "\\",
            comment: "#",
            lineEnd: "any",
            encoding: "windows-1252",
            header: ["a", "b"],
            aliases: { a: "event_id" },
            ignore: ["b"],
            newColumns: "keep",
            constants: { price: "1" },
            defaults: { quantity: "1" },
            values: { event_type: { x: "view" } },
            rules: [{ when: { column: "a", equals: "" }, absolute: "quantity", set: { user_id: "u" } }],
            timestamps: { format: ["d.M.yyyy H:mm", "epoch-seconds"], offset: "-05:30" },
            deriveEventId: { from: ["a"], namespace: "6ba7b811-9dad-11d1-80b4-00c04fd430c8" },
        };
        expect(faultsOf(source)).toEqual([]);
        expect(validateConfig({ sources: [source] }, eventsStream)).toEqual({
            sources: [source],
            settings: {},
            streams: {},
        } as never);
    });

    test.each([
        [{ delimitor: ";" }, "delimitor is not known; did you mean delimiter?"],
        [
            { aliases: { x: "event_timestmp" } },
            'aliases.x "event_timestmp" is no column; did you mean "event_timestamp"?',
        ],
        [{ constants: { prise: "1" } }, 'constants.prise "prise" is no column; did you mean "price"?'],
        [{ deriveEventId: {} }, "deriveEventId.from is missing"],
        [{ header: "none" }, 'header must be a non-empty list of names, or "first-line"'],
        [{ aliases: { x: "event_id", X: "price" } }, "aliases names x twice"],
        [
            { delimiter: ";;" },
            'delimiter is ";;", and delimiters of several characters cannot be read. Replace it in the files with a character that no value contains.',
        ],
        [{ quotes: "loose" }, 'quotes "loose" is no way to read quotes: there are strict, lenient'],
        [{ quote: false, trimQuoted: true }, "trimQuoted has no meaning when no value is quoted"],
        [{ comment: "5" }, 'comment must not be "5", which values are made of'],
        [{ comment: "-\n-" }, "comment must be one character, tab or printable ASCII"],
        [
            { match: "data/*.csv" },
            "match must match file names in the input folder: remove the part before the last slash",
        ],
        [{ delimiter: "§" }, "delimiter must be one character, tab or printable ASCII"],
        [{ delimiter: "5" }, 'delimiter must not be "5", which values are made of'],
        [{ delimiter: "'", quote: "'" }, "quote is the delimiter too"],
        [{ quote: false, escape: "\\" }, "escape has no meaning when no value is quoted"],
        [{ encoding: "latin-1" }, 'encoding "latin-1" is no encoding; did you mean "latin1"?'],
        [
            { newColumns: "reject" },
            'newColumns "reject" is no policy for new columns: there are keep, reject-file, ignore',
        ],
        [
            { rules: [{ when: { column: "a" }, set: {} }] },
            "rules[0].when needs exactly one of equals, startsWith, isEmpty",
        ],
        [{ rules: [{}] }, "rules[0] needs absolute or set"],
        [{ timestamps: { format: "H:mm" } }, "timestamps.format needs yyyy or yy, M to MMMM, and d or dd"],
        [
            { timestamps: { format: "yyyy-MM-ddTHH:mm" } },
            `timestamps.format has "T", which is no token: put text in 'single quotes'`,
        ],
        [{ timestamps: { format: "M/d/yyyy h:mm" } }, "timestamps.format needs a (AM/PM) together with h or hh"],
        [
            { timestamps: { zone: "Europe/Berln" } },
            'timestamps.zone must be a time zone such as "Europe/Berlin"; did you mean "Europe/Berlin"?',
        ],
        [{ timestamps: { zone: "UTC", offset: "+01:00" } }, "timestamps.offset contradicts the zone: keep one"],
        [{ timestamps: { fold: "later" } }, "timestamps.fold has no meaning without a zone"],
        [{ timestamps: { locale: "xx" } }, 'timestamps.locale must be a language such as "de" or "pt-BR"'],
        [{ timestamps: { yearsFrom: 70 } }, "timestamps.yearsFrom must be a year from 1900 to 2100"],
        [{ timestamps: { format: "yyyy-MM-dd X z" } }, "timestamps.format names X or z twice"],
        [
            { numbers: { thousands: "." } },
            "numbers.thousands is the decimal mark too: say which decimal mark the numbers have",
        ],
        [{ numbers: { decimals: "," } }, "numbers.decimals is not known; did you mean decimal?"],
        [{ nulls: [] }, "nulls must be a non-empty list"],
        [
            { timestamps: { format: "M/d/yyyy", offset: "Europe/Berlin" } },
            'timestamps.offset must be an offset such as "+02:00"',
        ],
        [{ deriveEventId: { from: "all" } }, 'deriveEventId.from must be a list of columns, "record" or "position"'],
        [
            { deriveEventId: { from: "postion" } },
            'deriveEventId.from must be a list of columns, "record" or "position"; did you mean "position"?',
        ],
        [{ constants: { price: "1" }, defaults: { price: "2" } }, "defaults.price is a constant too"],
    ])("%j should fail", (source, fault) => {
        expect(faultsOf({ match: "*", ...source })).toEqual([`sources[0].${fault}`]);
    });

    test("that is no object, or has no match, should fail", () => {
        expect([...faultsOf("*.csv"), ...faultsOf({})]).toEqual([
            "sources[0] must be an object",
            "sources[0].match is missing",
        ]);
    });

    test("with several faults should name them all", () => {
        expect(faultsOf({ match: 5, quote: "", header: [] })).toHaveLength(3);
    });

    test("with a fault in a key should name what that key contradicts too", () => {
        expect(faultsOf({ match: 5, quote: false, escape: "ab", timestamps: { offset: "x", zone: "y" } })).toEqual([
            "sources[0].match must be a non-empty string",
            "sources[0].escape must be one character, tab or printable ASCII",
            'sources[0].timestamps.offset must be an offset such as "+02:00"',
            'sources[0].timestamps.zone must be a time zone such as "Europe/Berlin"',
            "sources[0].timestamps.offset contradicts the zone: keep one",
            "sources[0].escape has no meaning when no value is quoted",
        ]);
    });
});

test("the first source whose glob fits a name is its source", () => {
    const sources = [{ match: "a-*.csv" }, { match: "*.csv" }, { match: "*.{gz,zst}" }];
    expect(["a-1.csv", "b.csv", "b.csv.gz", "b.txt"].map((name) => sourceOf(sources, name)?.match)).toEqual([
        "a-*.csv",
        "*.csv",
        "*.{gz,zst}",
        undefined,
    ]);
});

test("sources that say the same are the same, whatever the order of their keys", () => {
    expect(sourceKey({ match: "*", delimiter: ";" })).toBe(sourceKey({ delimiter: ";", match: "*" }));
    expect(sourceKey({ match: "*", ignore: ["a", "b"] })).not.toBe(sourceKey({ match: "*", ignore: ["b", "a"] }));
});

describe("the file", () => {
    const dir = makeFolder();

    const refuse = async (name: string, text: string | null): Promise<SluiceError> => {
        if (text !== null) await writeFile(join(dir, name), text);
        const error = await readConfigFile(join(dir, name), eventsStream).then(
            () => null,
            (thrown: unknown) => thrown,
        );
        if (!(error instanceof SluiceError)) throw new Error("it was taken");
        return error;
    };

    test("is optional at the project's root, and must be there when it is named", async () => {
        expect((await refuse("none.ts", null)).what).toEndWith("none.ts: does not exist.");
    });

    test("that cannot be loaded should fail with 3", async () => {
        const error = await refuse("broken.ts", "export default {");
        expect([error.code, error.exitCode]).toEqual(["bad_config_file", 3]);
    });

    test("with faults should fail with 3 and name each on its line", async () => {
        const error = await refuse("faults.ts", "export default { source: [], sources: [{ match: '*', qoute: 1 }] };");
        expect(error.exitCode).toBe(3);
        expect(error.what.split("\n").map((line) => line.replace(/^.*faults\.ts: /, ""))).toEqual([
            "sources[0].qoute is not known; did you mean quote?",
            "source is not known; did you mean sources?",
        ]);
    });

    test("may set what flags set, written as they are", async () => {
        await writeFile(join(dir, "set.ts"), "export default { settings: { trigger: '2s', port: 8080 } };");
        const { settings, sources, error } = await loadConfigFile(join(dir, "set.ts"), eventsStream);

        expect({ settings, sources, error }).toEqual({
            settings: { trigger: "2s", port: "8080" },
            sources: [],
            error: null,
        });
    });

    test("may turn the built-in stream off, and no other", async () => {
        await writeFile(join(dir, "off.ts"), "export default { streams: { events: false } };");
        expect((await loadConfigFile(join(dir, "off.ts"), eventsStream)).streams).toEqual({ events: false });
        const { what } = await refuse("other.ts", "export default { streams: { orders: false, events: 'no' } };");
        expect(what).toContain("streams.orders");
        expect(what).toContain("streams.events must be true or false");
    });

    test("with settings that no flag would take should fail, each with its remedy, passwords never shown", async () => {
        const settings = `{ port: 70000, triger: "1s", host: true, configFile: "x", databaseUrl: "postgres://me:hunter2@db/shop" }`;
        const { what } = await refuse("settings.ts", `export default { settings: ${settings} };`);

        expect(what.split("\n").map((line) => line.replace(/^.*settings\.ts: /, ""))).toEqual([
            "settings.databaseUrl holds a password, and this file is shared: put DATABASE_URL into .env.",
            "settings.port is out of bounds. Give it a whole number from 0 to 65535.",
            "settings.host must be a string or a number.",
            "settings.triger is not known; did you mean trigger?",
            "settings.configFile is not known.",
        ]);
        expect(what).not.toContain("hunter2");
    });
});

test.each([
    ["*.csv", "DATA.CSV", true],
    ["*.csv", "data.csv.gz", true],
    ["*.csv", "x.csv.ZST", true],
    ["data.csv", "DATA.csv.gz", true],
    ["DATA-*.CSV", "data-1.csv", true],
    ["[a-m]*.csv", "Kassel.CSV.zst", true],
    ["{orders,refunds}.csv", "Refunds.csv.gz", true],
    ["Käse*.csv", "KÄSE-1.csv", true],
    ["ka\u0308se.csv", "käse.csv", true],
    ["!*.csv", "data.csv.gz", false],
    ["*.csv.gz", "data.csv", false],
    ["*.csv.gz", "DATA.CSV.GZ", true],
    ["*.csv.gz", "data.csv.zst", false],
    ["data.csv", "data.csv.bak", false],
    ["data.csv", "data.csv.gz.gz", false],
])("a match of %p fits the name %p: %p", (match, name, isFitting) => {
    expect(sourceOf([{ match }], name) !== null).toBe(isFitting);
});

test("a source that names the compression comes before those that do not, and these in their order", () => {
    const sources = [{ match: "*.csv" }, { match: "*" }, { match: "*.csv.gz" }];
    expect(["a.csv.gz", "a.csv.zst", "A.CSV", "a.txt"].map((name) => sourceOf(sources, name)?.match)).toEqual([
        "*.csv.gz",
        "*.csv",
        "*.csv",
        "*",
    ]);
});
