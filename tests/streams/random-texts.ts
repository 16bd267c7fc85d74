/** Random texts: samples of the type and of others, what is hostile anywhere, and all of them with letters changed. */
import type { Pick } from "./random-types.ts";

const hostile = [
    ..."0 1 -1 +1 00 -0 0.0 1. .5 -.5 +.5 . - + e 1e5 1E-3 1e400 -1e-400 0e0 0e5 1e+2 1e999999 12.345 99999.99".split(
        " ",
    ),
    ..."127 128 32767 32768 -32768 -32769 2147483647 2147483648 -2147483648 4294967295 9223372036854775807".split(" "),
    ..."9223372036854775808 0x1F 0X1f 0b11 0o17 1_000 1__0 _1 1_ 0_1 1_000.5 NaN nan Infinity -inf inf 1,000 1.000,5".split(
        " ",
    ),
    ..."today now tomorrow epoch infinity -infinity allballs J2451187 24:00 24:00:00 23:59:60 00:00:00 12:30 1:2:3".split(
        " ",
    ),
    ..."2024-01-02 2024-02-30 2024-13-01 0000-01-01 0001-01-01 9999-12-31 10000-01-01 01/02/2024 02.01.2024 20240102".split(
        " ",
    ),
    ..."2024-01-02T03:04:05Z 2024-01-02T03:04:05.123456+02:00 2024-01-02T24:00:00 2024-1-2 24-01-02 2024-01 2024-060".split(
        " ",
    ),
    ...["2024-01-02 03:04:05", "2024-01-02 03:04:05.1234567", "2024-01-02 03:04:05 epoch", "2024-01-02 03:04:05 PM"],
    ...["2024-01-02 03:04:05 America/New_York", "2024-01-02 03:04:05 UTC+3", "2024-01-02 03:04:60", "2024-01-02 BC"],
    ...["2024-01-02 03:04:05.500000000", "9999-12-31 23:59:59-05", "0001-01-01 00:00:00+05", "2024-01-02 03:04:05 UTC"],
    ...[
        "2024-01-02T03:04:05.120Z",
        "2024-01-02T03:04:05.000+00:00",
        "2024-01-02T03:04:05.Z",
        "2024-01-02 03:04:05-05:30",
    ],
    ...[
        "2024-01-02 03:04:05.100000000Z",
        "2024-01-02 03:04:05+99:99",
        "2024-01-02T03:04:05..Z",
        "2024-01-02 03:04:05.0.0",
    ],
    ...["2024-01-02 03:04", "2024-01-02 03", "2024-01-02t03:04:05", "2024-01-02 03:04:05+1", "2024-01-02 03:04:05+16"],
    ...[
        "03:04:05.999999",
        "03:04:05+02:30",
        "03:04:05 PM",
        "1 day",
        "1 mon",
        "1.5 days",
        "1 year 2 mons -3 days 04:05:06.7",
    ],
    ...[
        "P1Y2M",
        "P1.5D",
        "PT0.0000001S",
        "P",
        "PT",
        "-1 day -02:03:04",
        "1 day ago",
        "@ 1 day",
        "1 week",
        "90 min",
        "1-2",
    ],
    // "char" takes these for one byte, and gives back those from 128 on.
    ...["\\200", "\\377", "\\177", "\\400", "\\20"],
    ...["t f true FALSE yes No on off tr of y N ja 2".split(" ")].flat(),
    ...[
        "{}",
        "{{}}",
        "{1,2}",
        "{a,b}",
        "{NULL}",
        "{1,null,3}",
        '{"a b","c\\"d"}',
        "{1,2",
        "[1,2]",
        '["a","b"]',
        "[0:1]={1,2}",
    ],
    ...[
        "[]",
        "[[]]",
        "[[1,2],[3,4]]",
        "[1,null]",
        "[true]",
        '["1"]',
        "{{1,2},{3,4}}",
        "{ 1 , 2 }",
        '{"today"}',
        "{12.345}",
    ],
    ...[
        "empty",
        "EMPTY",
        "[1,5]",
        "(1,5)",
        "(1,2)",
        "[1,1)",
        "[,5)",
        "[5,1]",
        '["2024-01-02","2024-01-05"]',
        "[1,infinity]",
    ],
    ...["{[1,3),[5,7)}", "{[1,3),[2,5)}", "{[5,7],[1,2]}", "{empty}", "{[1,3),empty}", "[9999-12-31,9999-12-31]"],
    ...[
        '{"a":1}',
        '{"a":1,"a":2}',
        '{"a":1.0,"b":[1e2,-0]}',
        '"\\u0000"',
        '"\\ud83d\\ude00"',
        '"\\ud800"',
        "{'a':1}",
        "[1,]",
    ],
    ...[
        "\\xff",
        "\\xf",
        "\\x f f",
        "\\\\x00",
        "a\\b",
        "\\101",
        "192.168.0.1",
        "192.168.0.1/24",
        "10.1",
        "::1",
        "1.2.3.4/33",
    ],
    ...[
        "fe80::1%eth0",
        "::ffff:1.2.3.4",
        "08:00:2b:01:02:03",
        "08-00:2b:01:02:03",
        "0800.2b01.0203",
        "101",
        "B101",
        "X1F",
    ],
    ...[
        "<a/>",
        "<a>",
        "a<b",
        "&amp;",
        "(1,2)",
        "((0,0),(1,1))",
        "<(0,0),1>",
        "{1,2,3}",
        "(NaN,1)",
        "(0x1,2)",
        "1,2",
        "[(0,0),(1,1)]",
    ],
    ...[
        "(1,)",
        '("a","b")',
        "(t,1)",
        "(,NaN)",
        "(infinity,)",
        "a=>1",
        "a=>1,a=>2",
        '"x"=>NULL, "y"=>"null"',
        "'a' 'b':2A",
        "a & b",
    ],
    ...[
        "null",
        "NULL",
        "\\N",
        "''",
        '""',
        "a'b",
        "--",
        "; drop",
        "$1",
        "%s",
        "é",
        "🙂",
        "٣",
        "１２",
        "−1",
        "1\u00a0",
        "\u200b1",
        "\ufeff1",
    ],
    ...[
        "a\tb",
        "a\nb",
        "x".repeat(300),
        "9".repeat(200),
        `0.${"0".repeat(20)}1`,
        `1${"0".repeat(60)}`,
        "A".repeat(64),
        "é".repeat(8),
    ],
];

const letters = [..."0123456789.+-eExX_:,/ TZ\"'{}[]()\\<>=&aN\t%#|é🙂٣\u00a0"];

export function randomText(pick: Pick, samples: readonly string[]): string {
    const source = pick(3) === 0 || samples.length === 0 ? hostile : samples;
    let text = source[pick(source.length)]!;
    for (let changes = pick(4); changes > 1; changes -= 1) text = change(pick, text, samples);
    return text.replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, "");
}

function change(pick: Pick, text: string, samples: readonly string[]): string {
    const characters = [...text];
    const at = pick(characters.length + 1);
    const letter = letters[pick(letters.length)]!;
    const kind = pick(6);
    if (kind === 0) characters.splice(at, 1);
    else if (kind === 1) characters.splice(at, 0, letter);
    else if (kind === 2) characters.splice(at, 1, letter);
    else if (kind === 3) characters.splice(at, 0, ...characters.slice(at, at + 3));
    else if (kind === 4)
        return samples.length > 0 ? characters.slice(0, at).join("") + samples[pick(samples.length)]! : text;
    // A digit for a digit: dates and numbers stay such.
    else return text.replace(/\d/g, (digit) => (pick(3) === 0 ? String(pick(10)) : digit));
    return characters.join("");
}
