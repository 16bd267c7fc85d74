/** What is left to say before a stream can be made: asked at a terminal, else refused with the flag that says it. */
import type { Question } from "../../operations/sniff/sniff-file.ts";
import { askText } from "../../terminal/ask.ts";
import { refuse } from "../refuse.ts";
import type { AddRequest } from "./add-options.ts";

/** The request with the answer in it. @throws SluiceError `add_needs_…` when nobody can be asked, or nothing is answered */
export async function answerQuestion(request: AddRequest, question: Question): Promise<AddRequest> {
    const { about, what, remedy } = question;
    const { code, prompt } = asked[about];
    const refusal = refuse(code, what, remedy);
    if (!process.stdin.isTTY || request.isYes || request.isPrint) throw refusal;
    process.stderr.write(`${what}\n`);
    const answer = await askText(prompt);
    if (answer === null || answer === "") throw refusal;
    const { settings } = request;
    const names = answer.split(",").map((name) => name.trim());
    switch (about) {
        case "key":
            return { ...request, key: names };
        case "date":
            return { ...request, settings: { ...settings, timestamps: { format: answer } } };
        case "header":
            return { ...request, settings: { ...settings, header: answer === "first-line" ? answer : names } };
        case "delimiter":
            return { ...request, settings: { ...settings, delimiter: answer === "\\t" ? "\t" : answer } };
        case "encoding":
            return { ...request, settings: { ...settings, encoding: answer as NonNullable<typeof settings.encoding> } };
    }
}

const asked: Record<Question["about"], { code: string; prompt: string }> = {
    key: {
        code: "add_needs_key",
        prompt: "Which columns identify a record? (names, separated by commas)",
    },
    date: { code: "add_needs_date", prompt: "How its dates are written, such as dd/MM/yyyy:" },
    header: { code: "add_needs_header", prompt: "The names of the columns, separated by commas, or first-line:" },
    delimiter: { code: "add_needs_delimiter", prompt: "Its delimiter:" },
    encoding: { code: "add_needs_encoding", prompt: "Its encoding:" },
};
