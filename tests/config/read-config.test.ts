import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { configOptions, type Flags, ingestFields, notifyFields, readConfig } from "../../src/config/config.ts";
import { settings } from "../../src/config/settings.ts";
import { type Environment, isStartedByNpm } from "../../src/environment.ts";
import { SluiceError } from "../../src/errors.ts";

const everyField = [
    ...ingestFields,
    ...notifyFields,
    "databaseUrl",
    "directDatabaseUrl",
    "readDatabaseUrl",
    "dataDir",
    "port",
    "host",
    "allowedHosts",
    "logFormat",
    "checkAtEnd",
    "json",
    "generate",
] as const;

function refuse(flags: Flags, environment: Environment): SluiceError {
    try {
        readConfig(everyField, flags, environment);
    } catch (error) {
        if (error instanceof SluiceError) return error;
    }
    throw new Error("it was taken");
}

test("the defaults", () => {
    const { mergeWorkers, workerName, ...config } = readConfig(everyField, {}, {});

    expect(mergeWorkers).toBeGreaterThanOrEqual(1);
    expect(mergeWorkers).toBeLessThanOrEqual(4);
    expect(workerName).toBe(hostname());
    expect(config).toEqual({
        databaseUrl: undefined,
        directDatabaseUrl: undefined,
        readDatabaseUrl: undefined,
        dataDir: "data",
        inputDir: "data/input_data",
        trigger: { kind: "interval", ms: 1000 },
        tailSettleMs: 10_000,
        maxChunkBytes: 16_777_216,
        maxRecordBytes: 1_048_576,
        maxBatchRecords: 500_000,
        maxRejects: null,
        afterMerge: "keep",
        archiveDir: "data/archive",
        listEveryMs: 60_000,
        maxExpandedBytes: 64 * 1024 ** 3,
        maxExpansionRatio: 1000,
        deferIndexes: false,
        configFile: undefined,
        port: 4040,
        host: "127.0.0.1",
        allowedHosts: [],
        logFormat: "text",
        notifyWebhook: undefined,
        notifyAfterMs: 30_000,
        notifySecret: undefined,
        pageUrl: undefined,
        checkAtEnd: false,
        json: false,
        generate: true,
        // Whether this test's stdout is a terminal: see use-color.test.ts.
        color: expect.any(Boolean),
    });
});

test("a flag wins over a variable, a variable over the default, nothing is nothing", () => {
    const environment = { SLUICE_TRIGGER: "2s", SLUICE_PORT: " 5000 ", SLUICE_HOST: "" };
    const config = readConfig(["trigger", "port", "host"], { trigger: "3s" }, environment);

    expect(config.trigger).toEqual({ kind: "interval", ms: 3000 });
    expect(config.port).toBe(5000);
    expect(config.host).toBe("127.0.0.1");
});

test("sluice.config.ts is below a variable and above the default", () => {
    const file = { name: "sluice.config.ts", settings: { trigger: "5s", port: "7070", host: "::1" }, error: null };
    const config = readConfig(
        ["trigger", "port", "host", "afterMerge"],
        { trigger: "3s" },
        { SLUICE_PORT: "5000" },
        file,
    );

    expect(config.trigger).toEqual({ kind: "interval", ms: 3000 });
    expect(config).toMatchObject({ port: 5000, host: "::1", afterMerge: "keep" });
});

test("an input folder that somebody named, wherever, is not ours to make", () => {
    const file = { name: "sluice.config.ts", settings: { inputDir: "in" }, error: null };

    expect(readConfig(["isInputDefault"], {}, {}).isInputDefault).toBe(true);
    expect(readConfig(["isInputDefault"], { input: "in" }, {}).isInputDefault).toBe(false);
    expect(readConfig(["isInputDefault"], {}, { SLUICE_INPUT_DIR: "in" }).isInputDefault).toBe(false);
    expect(readConfig(["isInputDefault"], {}, {}, file).isInputDefault).toBe(false);
});

test("the API's token is a variable and never a flag", () => {
    const secret = "s".repeat(32);

    expect(readConfig(["apiToken"], { apiToken: secret }, {}).apiToken).toBeUndefined();
    expect(readConfig(["apiToken"], {}, { SLUICE_API_TOKEN: secret }).apiToken).toBe(secret);
    expect(readConfig(["apiToken"], {}, { SLUICE_API_TOKEN: "" }).apiToken).toBeUndefined();
    expect(configOptions("apiToken")).toEqual([]);
});

test("the input folder goes with the data folder unless it is named", () => {
    expect(readConfig(["inputDir"], { dataDir: "elsewhere" }, {}).inputDir).toBe("elsewhere/input_data");
    expect(readConfig(["inputDir"], { dataDir: "elsewhere", input: "in" }, {}).inputDir).toBe("in");
});

test("events are invented only in a database of our own, unless that is asked for", () => {
    const generate = (flags: Flags, environment: Environment) => readConfig(["generate"], flags, environment).generate;
    const DATABASE_URL = "postgres://db/shop";

    expect(generate({}, {})).toBe(true);
    expect(generate({}, { DATABASE_URL: "" })).toBe(true);
    expect(generate({}, { DATABASE_URL })).toBe(false);
    expect(generate({ databaseUrl: DATABASE_URL }, {})).toBe(false);
    expect(generate({ generate: true }, { DATABASE_URL })).toBe(true);
    expect(generate({ generate: false }, {})).toBe(false);
});

test("another way to the database is of the DATABASE_URL beside it, and of no --database-url", () => {
    const read = (flags: Flags, environment: Environment) =>
        readConfig(["databaseUrl", "directDatabaseUrl"], flags, environment).directDatabaseUrl;
    const DATABASE_URL = "postgres://pooler/shop";
    const SLUICE_DIRECT_DATABASE_URL = "postgres://db/shop";

    expect(read({}, { DATABASE_URL, SLUICE_DIRECT_DATABASE_URL })).toBe(SLUICE_DIRECT_DATABASE_URL);
    expect(read({ databaseUrl: "postgres://test/shop" }, { DATABASE_URL, SLUICE_DIRECT_DATABASE_URL })).toBeUndefined();
    expect(refuse({}, { SLUICE_DIRECT_DATABASE_URL })).toMatchObject({
        exitCode: 3,
        what: "SLUICE_DIRECT_DATABASE_URL is set, and DATABASE_URL is not.",
    });
});

test("what it returns cannot be changed", () => {
    const config = readConfig(["trigger", "port"], {}, {});

    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.trigger)).toBe(true);
});

describe("faults", () => {
    const badValues: Record<keyof typeof settings, string> = {
        databaseUrl: "mysql://me:hunter2@db/shop",
        directDatabaseUrl: "mysql://me:hunter2@db/shop",
        readDatabaseUrl: "mysql://me:hunter2@db/shop",
        dataDir: "a\0b",
        inputDir: "a\0b",
        listEveryMs: "5",
        trigger: "often",
        tailSettleMs: "5",
        maxChunkBytes: "1",
        maxRecordBytes: "1TiB",
        mergeWorkers: "0",
        workerName: "a\nb",
        maxBatchRecords: "1e6",
        maxRejects: "lots",
        afterMerge: "burn",
        maxExpandedBytes: "1",
        maxExpansionRatio: "0",
        configFile: "a\0b",
        port: "65536",
        host: "http://x",
        allowedHosts: "http://x",
        logFormat: "xml",
        notifyWebhook: "ftp://example.com/hook",
        notifyAfterMs: "5",
        notifySecret: "whsec_c2hvcnQ=",
        pageUrl: "example.com",
    };
    const fields = Object.keys(settings) as (keyof typeof settings)[];

    test.each(fields)("a bad %s should fail by its flag, if it has one, with 2, by its variable with 3", (field) => {
        const { flag, variable } = settings[field];
        const [option] = configOptions(field);
        if (flag === null) expect(option).toBeUndefined();
        else {
            const byFlag = refuse({ [option!.attributeName()]: badValues[field] }, {});
            expect(byFlag).toMatchObject({ code: "bad_flag_value", exitCode: 2 });
            expect(byFlag.what).toStartWith(flag.split(" ")[0]!);
        }
        const byVariable = refuse({}, { [variable]: badValues[field] });

        expect(byVariable).toMatchObject({ code: "bad_configuration", exitCode: 3 });
        expect(byVariable.what).toStartWith(variable);
        expect(byVariable.remedy).not.toBe("");
    });

    test("one error names all of them, each with its remedy", () => {
        const environment = Object.fromEntries(fields.map((field) => [settings[field].variable, badValues[field]]));
        const { what, remedy, exitCode } = refuse({ port: "x" }, environment);

        expect(what.split("\n")).toHaveLength(fields.length);
        expect(remedy.split("\n")).toHaveLength(fields.length);
        expect(what).toContain('--port "x" is not a whole number.');
        expect(remedy).toContain("SLUICE_TRIGGER: Write a duration");
        expect(exitCode).toBe(2);
    });

    test("say where each comes from", () => {
        const { from } = refuse({ port: "x" }, { SLUICE_TRIGGER: "often" });

        expect(from?.split("\n").sort()).toEqual(["--port on the command line", "SLUICE_TRIGGER in the environment"]);
    });

    test("a SLUICE_ variable that nothing reads is one, with the near name", () => {
        const { what, remedy, exitCode } = refuse({}, { SLUICE_TRIGER: "1s" });

        expect(what).toBe("SLUICE_TRIGER is set, but Sluice has no such variable.");
        expect(remedy).toBe("Did you mean SLUICE_TRIGGER?");
        expect(exitCode).toBe(3);
        expect(refuse({}, { SLUICE_INPUT: "in" }).remedy).toBe("Did you mean SLUICE_INPUT_DIR?");
        expect(refuse({}, { SLUICE_DATABASE_URL: "x" }).remedy).toBe("Did you mean DATABASE_URL?");
    });

    test("a variable that is near none is answered with the names there are", () => {
        expect(refuse({}, { SLUICE_COLOUR_OF_THE_SKY: "blue" }).remedy).toContain("SLUICE_TRIGGER, SLUICE_TAIL_SETTLE");
    });

    test("what Kubernetes sets beside a service of that name is none, nor is what is set to nothing", () => {
        const environment = {
            SLUICE_SERVICE_HOST: "10.0.0.1",
            SLUICE_PORT_4040_TCP: "tcp://10.0.0.1:4040",
            SLUICE_X: "",
        };

        expect(readConfig(["json"], {}, environment).json).toBe(false);
    });

    test("those of sluice.config.ts are named with the others", () => {
        const error = new SluiceError({ code: "c", what: "sluice.config.ts: no.", remedy: "Mend it.", exitCode: 3 });
        const file = { name: "sluice.config.ts", settings: {}, error };
        const both = () => readConfig(["port"], {}, { SLUICE_PORT: "x" }, file);

        expect(both).toThrow(/SLUICE_PORT "x" is not a whole number\.\nsluice\.config\.ts: no\./);
        expect(() => readConfig(["port"], {}, {}, file)).toThrow(error);
    });

    test("a database URL is named and never shown", () => {
        const { what, remedy } = refuse({}, { DATABASE_URL: badValues.databaseUrl });

        expect(what).toBe("DATABASE_URL is invalid: its scheme is mysql.");
        expect(`${what}${remedy}`).not.toContain("hunter2");
    });

    test("a value cannot forge lines or colours", () => {
        expect(refuse({ trigger: "1s\n\u001b[31mdone" }, {}).what).toBe(
            '--trigger "1s\\x0a\\x1b[31mdone" is not a trigger.',
        );
    });

    test("settings that a command does not take are not looked at", () => {
        expect(readConfig(["json"], {}, { SLUICE_PORT: "x" }).json).toBe(false);
    });
});

test("npm is recognized by what it says of itself", () => {
    expect(isStartedByNpm({ npm_config_user_agent: "npm/10.8.2 node/v20.0.0 linux x64" })).toBe(true);
    expect(isStartedByNpm({ npm_config_user_agent: "bun/1.4.5 npm/? node/v24.0.0 linux x64" })).toBe(false);
    expect(isStartedByNpm({})).toBe(false);
});
