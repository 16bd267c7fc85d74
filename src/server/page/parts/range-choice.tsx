/** Which time is shown: a preset, or any range. It is in the address, and goes along from view to view. */
import { useState } from "preact/hooks";
import { zone } from "../settings.ts";
import { address, go, hrefWith } from "../views/location.ts";
import { type Preset, parseRange } from "../views/time-range.ts";
import { Choice } from "./choice.tsx";

const names: Record<Preset, [label: string, name: string]> = {
    "5m": ["5 min", "The last five minutes"],
    "1h": ["1 h", "The last hour"],
    "24h": ["24 h", "The last day"],
    "7d": ["7 d", "The last week"],
};

type Chosen = Preset | "all" | "range";

/** `otherwise`: what is shown while the address has no range. */
export function RangeChoice({ otherwise }: { otherwise: Preset | "all" }) {
    const range = parseRange(address.value.searchParams);
    const [isOpen, setOpen] = useState(false);
    const shown: Chosen = range === null ? otherwise : "preset" in range ? range.preset : "range";
    const options: { value: Chosen; label: string; name: string }[] = [
        ...(otherwise === "all" ? [{ value: "all" as const, label: "All", name: "All time" }] : []),
        ...Object.entries(names).map(([value, [label, name]]) => ({ value: value as Preset, label, name })),
        { value: "range", label: "Range", name: "From one time to another" },
    ];
    const choose = (chosen: Chosen) => {
        setOpen(chosen === "range");
        if (chosen === "range") return;
        const preset = chosen === "all" || chosen === otherwise ? null : chosen;
        go(hrefWith({ range: preset, from: null, to: null, cursor: null }));
    };
    return (
        <>
            <Choice label="Time" value={isOpen ? "range" : shown} onChoose={choose} options={options} />
            {(isOpen || shown === "range") && <RangeForm onDone={() => setOpen(false)} />}
        </>
    );
}

function RangeForm({ onDone }: { onDone: () => void }) {
    const range = parseRange(address.value.searchParams);
    const bounds = range !== null && "from" in range ? range : { from: null, to: null };
    const [fault, setFault] = useState("");
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget as HTMLFormElement);
        const [from, to] = [toInstant(fields.get("from")), toInstant(fields.get("to"))];
        if (from !== null && to !== null && from >= to) return setFault("“To” must be later than “from”.");
        setFault("");
        onDone();
        go(hrefWith({ range: null, from, to, cursor: null }));
    };
    return (
        <form class="range-form" onSubmit={submit}>
            <label>
                From <input type="datetime-local" name="from" step="1" value={toInput(bounds.from)} />
            </label>
            <label>
                To <input type="datetime-local" name="to" step="1" value={toInput(bounds.to)} />
            </label>
            <button type="submit" class="button">
                Show
            </button>
            <span class="trouble-line" role="alert">
                {fault}
            </span>
        </form>
    );
}

/** By the clock that the page shows. */
function toInstant(field: FormDataEntryValue | null): string | null {
    const ms = Date.parse(`${field}${zone.value === "utc" ? "Z" : ""}`);
    return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

function toInput(instant: string | null): string {
    if (instant === null) return "";
    const at = new Date(instant);
    const shiftMs = zone.value === "utc" ? 0 : at.getTimezoneOffset() * 60_000;
    return new Date(at.getTime() - shiftMs).toISOString().slice(0, 19);
}
