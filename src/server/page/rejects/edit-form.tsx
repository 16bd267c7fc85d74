/** The raw values of a reject to correct: each with its reason beside it, a preview of what would become of it, and save. */
import { useState } from "preact/hooks";
import type { RejectField, ReplaySample } from "../../../operations/rejects/field-schema.ts";
import type { ReplaySummary } from "../../../operations/run-replay.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { RejectDetail } from "../../api/rejects/read-rejects.ts";
import { formatCode } from "../format.ts";
import { postJson, sendJson } from "../live/fetch-json.ts";
import { refreshAll } from "../live/use-resource.ts";

/** The values that were changed, and the state of the reject that they were changed in. */
interface Draft {
    changes: Record<string, string>;
    editedAt: string | null;
}

const nothing: Draft = { changes: {}, editedAt: null };

export function EditForm({ reject }: { reject: RejectDetail }) {
    const { rejectId, beside, record, editedAt } = reject;
    const [draft, setDraft] = useState(nothing);
    const [tried, setTried] = useState<ReplaySample | null>(null);
    const [said, setSaid] = useState("");
    const [isBusy, setBusy] = useState(false);
    const isEmpty = Object.keys(draft.changes).length === 0;
    const reasonsNow = tried?.fields ?? beside.fields;

    const change = (column: string, value: string) => {
        const changes = { ...draft.changes, [column]: value };
        if (value === (record?.[column] ?? "")) delete changes[column];
        setDraft({ changes, editedAt: isEmpty ? editedAt : draft.editedAt });
    };
    async function preview() {
        setBusy(true);
        const body = { rejects: [rejectId], ...(isEmpty ? {} : { set: draft.changes }) };
        const answer = await postJson<ReplaySummary>("/v1/replay/preview", body);
        setBusy(false);
        const sample = "body" in answer ? (answer.body.samples[0] ?? null) : null;
        setTried(sample);
        if (!("body" in answer)) setSaid(`${answer.problem.title}. ${answer.problem.detail}`);
        else setSaid(sample === null ? "Somebody else is changing it, or a replay has resolved it." : describe(sample));
    }
    async function save() {
        setBusy(true);
        const body = { set: draft.changes, editedAt: draft.editedAt };
        const answer = await sendJson<RejectDetail>("PATCH", `/v1/rejects/${rejectId}`, body);
        setBusy(false);
        setTried(null);
        if ("body" in answer) setDraft(nothing);
        setSaid(
            "body" in answer ? "Saved. A replay validates it." : `${answer.problem.title}. ${answer.problem.detail}`,
        );
        refreshAll();
    }
    return (
        <form
            class="edit"
            onSubmit={(event) => {
                event.preventDefault();
                if (!isEmpty) void save();
            }}
        >
            <ul>
                {beside.fields.map(({ column, arriving }, index) => (
                    <FieldInput
                        key={column}
                        column={column}
                        place={index}
                        value={draft.changes[column] ?? record?.[column] ?? arriving ?? ""}
                        isChanged={column in draft.changes}
                        reason={reasonsNow.find((field) => field.column === column)?.reason ?? null}
                        onInput={change}
                    />
                ))}
            </ul>
            <p class="tools">
                <button type="button" class="button" disabled={isBusy} onClick={preview}>
                    Preview<span class="unseen"> with these values</span>
                </button>
                <button type="submit" class="button more" disabled={isBusy || isEmpty}>
                    Save<span class="unseen"> these values</span>
                </button>
                {!isEmpty && (
                    <button
                        type="button"
                        class="button"
                        onClick={() => {
                            setDraft(nothing);
                            setTried(null);
                            setSaid("");
                        }}
                    >
                        Discard
                    </button>
                )}
            </p>
            <p role="status">{said}</p>
        </form>
    );
}

interface FieldInputProps {
    column: string;
    /** For its ids: a column may have any name. */
    place: number;
    value: string;
    isChanged: boolean;
    reason: RejectField["reason"];
    onInput: (column: string, value: string) => void;
}

function FieldInput({ column, place, value, isChanged, reason, onInput }: FieldInputProps) {
    const noteId = `why-${place}`;
    const shared = {
        id: `value-${place}`,
        value,
        spellcheck: false,
        "aria-invalid": reason !== null,
        "aria-describedby": reason === null && !isChanged ? undefined : noteId,
    };
    return (
        <li>
            <label for={shared.id}>{sanitize(column, { most: 60 })}</label>
            {/[\n\r]/.test(value) || value.length > 120 ? (
                <textarea rows={3} {...shared} onInput={(event) => onInput(column, event.currentTarget.value)} />
            ) : (
                <input
                    type="text"
                    autocomplete="off"
                    {...shared}
                    onInput={(event) => onInput(column, event.currentTarget.value)}
                />
            )}
            <span id={noteId} class="note">
                {reason !== null && <b>{formatCode(reason)}</b>}
                {isChanged && " changed"}
            </span>
        </li>
    );
}

function describe({ outcome, reasons, refusal }: ReplaySample): string {
    const said = refusal?.message === undefined ? "" : ` The table says: ${sanitize(refusal.message, { most: 300 })}`;
    const left = reasons.map(formatCode).join(", ");
    const words: Record<ReplaySample["outcome"], string> = {
        inserted: "would be inserted",
        updated: "would update the row of its key",
        deleted: "would delete the row of its key",
        superseded: "would be superseded by the stored row",
        duplicate: "would count as a duplicate of the stored row",
        accepted: "would replace the stored row",
        displaced: "would give way to a later record of its key",
        conflict: "would be a conflict with the stored row",
        rejected: `would still be rejected: ${left}`,
        unchanged: `would stand as before: ${left}`,
    };
    return `Preview, nothing is changed yet: the record ${words[outcome]}.${said}`;
}
